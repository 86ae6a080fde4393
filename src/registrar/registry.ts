// Who is enrolled: every certificate that was issued, every one that was revoked, and the enrolment codes. One file
// that only the registrar reads; rows are added and never changed. What a method has done when it returns is durable.
// Several processes may use it at once.
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { isRole, type Party, type PartyRole } from "../crypto/party.ts";
import { messageOf } from "../platform/errors.ts";

export interface Enrolment {
  readonly serial: string;
  readonly party: Party;
  /** The number of the supplier of a meter; null for others. */
  readonly supplier: number | null;
  /** SHA-256 of the certificate's public key (SPKI), in hexadecimal digits. */
  readonly keyHash: string;
  readonly certificatePem: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly revokedMs: number | null;
}

/** Whom a code enrols: a new meter, a customer of the supplier; or the supplier itself, on one more device. */
export type CodeRole = "meter" | "supplier";

export interface EnrolmentCode {
  readonly role: CodeRole;
  readonly supplier: number;
  readonly expiresMs: number;
  /** The serial number of the certificate that it was exchanged for, or null. */
  readonly serial: string | null;
}

/** The registry cannot be opened; says why. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

const BUSY_MS = 10_000;
const TABLES = ["enrolments", "revocations", "codes", "supplier_codes", "redemptions", "lists"];
const SCHEMA = `
  create table if not exists enrolments (
    serial text primary key, role text not null, id text not null, supplier integer, key_hash text not null,
    certificate text not null, issued_ms integer not null, expires_ms integer not null
  ) strict;
  create index if not exists enrolments_of_party on enrolments (role, id);
  create index if not exists enrolments_of_key on enrolments (key_hash);
  create table if not exists revocations (
    serial text primary key references enrolments (serial), revoked_ms integer not null
  ) strict;
  create table if not exists codes (
    hash text primary key, supplier integer not null, expires_ms integer not null
  ) strict;
  create table if not exists supplier_codes (hash text primary key references codes (hash)) strict;
  create table if not exists redemptions (
    hash text primary key references codes (hash), serial text not null references enrolments (serial)
  ) strict;
  create table if not exists lists (number integer primary key autoincrement, issued_ms integer not null) strict;
  ${TABLES.map(
    (table) => `
  create trigger if not exists ${table}_stay before update on ${table} begin
    select raise(abort, 'rows of the registry are never changed');
  end;
  create trigger if not exists ${table}_last before delete on ${table} begin
    select raise(abort, 'rows of the registry are never deleted');
  end;`,
  ).join("")}`;
const ENROLMENT = `
  select enrolments.*, revocations.revoked_ms from enrolments left join revocations using (serial)`;

type Row = Record<string, unknown>;

function enrolmentOf(row: Row): Enrolment {
  const role = String(row.role);
  if (!isRole(role))
    throw new RegistryError(`the registry has a party of the unknown role ${role}`);
  return {
    serial: String(row.serial),
    party: { role, id: String(row.id) },
    supplier: row.supplier === null ? null : Number(row.supplier),
    keyHash: String(row.key_hash),
    certificatePem: String(row.certificate),
    issuedMs: Number(row.issued_ms),
    expiresMs: Number(row.expires_ms),
    revokedMs: row.revoked_ms === null ? null : Number(row.revoked_ms),
  };
}

export class Registry {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Makes the registry in a file that does not exist yet (mode 0600). */
  static create(file: string): Registry {
    // Made before the database opens it: what SQLite makes beside it gets the same mode.
    closeSync(openSync(file, "ax", 0o600));
    chmodSync(file, 0o600);
    return Registry.open(file);
  }

  /** Throws RegistryError when there is none or it cannot be opened. */
  static open(file: string): Registry {
    if (!existsSync(file)) throw new RegistryError(`there is no registry in ${file}`);
    try {
      const database = new DatabaseSync(file);
      database.exec(`pragma busy_timeout = ${BUSY_MS}; pragma journal_mode = wal;`);
      database.exec(`pragma synchronous = full; pragma foreign_keys = on; ${SCHEMA}`);
      return new Registry(database);
    } catch (error) {
      throw new RegistryError(`cannot open the registry ${file}: ${messageOf(error)}`);
    }
  }

  close(): void {
    this.#database.close();
  }

  /**
   * Does `work` in one step: nobody else changes the registry meanwhile, in whichever process, and when it throws
   * nothing has changed.
   */
  transaction<T>(work: () => T): T {
    // What is called in one is part of it.
    if (this.#database.isTransaction) return work();
    this.#database.exec("begin immediate");
    try {
      const result = work();
      this.#database.exec("commit");
      return result;
    } catch (error) {
      this.#database.exec("rollback");
      throw error;
    }
  }

  /** Adds a certificate that was issued. */
  add(enrolment: Omit<Enrolment, "revokedMs">): void {
    this.#insert(enrolment);
  }

  /**
   * Adds a certificate that a code is exchanged for. False, and nothing is added, when the code is used or the key has
   * a certificate.
   */
  redeem(codeHash: string, enrolment: Omit<Enrolment, "revokedMs">): boolean {
    return this.transaction(() => {
      if (this.code(codeHash)?.serial !== null) return false;
      if (this.enrolmentsOfKey(enrolment.keyHash).length > 0) return false;
      this.#insert(enrolment);
      this.#run("insert into redemptions values (?, ?)", codeHash, enrolment.serial);
      return true;
    });
  }

  /** Adds unused codes by their hashes. */
  addCodes(
    hashes: readonly string[],
    { role, supplier, expiresMs }: Omit<EnrolmentCode, "serial">,
  ): void {
    this.transaction(() => {
      for (const hash of hashes) {
        this.#run("insert into codes values (?, ?, ?)", hash, supplier, expiresMs);
        if (role === "supplier") this.#run("insert into supplier_codes values (?)", hash);
      }
    });
  }

  code(hash: string): EnrolmentCode | null {
    const row = this.#database
      .prepare(
        `select supplier, expires_ms, serial, supplier_codes.hash is not null as of_supplier from codes
          left join redemptions using (hash) left join supplier_codes using (hash) where hash = ?`,
      )
      .get(hash);
    if (row === undefined) return null;
    const serial = row.serial === null ? null : String(row.serial);
    const role = Number(row.of_supplier) === 1 ? "supplier" : "meter";
    return { role, supplier: Number(row.supplier), expiresMs: Number(row.expires_ms), serial };
  }

  enrolment(serial: string): Enrolment | null {
    const row = this.#database.prepare(`${ENROLMENT} where serial = ?`).get(serial);
    return row === undefined ? null : enrolmentOf(row);
  }

  /** All certificates of a party, the oldest first. */
  enrolmentsOf({ role, id }: Party): Enrolment[] {
    const query = this.#database.prepare(
      `${ENROLMENT} where role = ? and id = ? order by issued_ms`,
    );
    return query.all(role, id).map(enrolmentOf);
  }

  /** All certificates of a key, the oldest first. */
  enrolmentsOfKey(keyHash: string): Enrolment[] {
    const query = this.#database.prepare(`${ENROLMENT} where key_hash = ? order by issued_ms`);
    return query.all(keyHash).map(enrolmentOf);
  }

  /** How many parties of a role have a certificate that is neither revoked nor expired. */
  count(role: PartyRole, nowMs: number): number {
    const row = this.#database
      .prepare(
        `select count(distinct id) as n from enrolments left join revocations using (serial)
          where role = ? and revoked_ms is null and expires_ms > ?`,
      )
      .get(role, nowMs);
    return Number(row?.n);
  }

  /** Revokes certificates; those that are already keep their time. */
  revoke(serials: readonly string[], revokedMs: number): void {
    this.transaction(() => {
      for (const serial of serials) {
        this.#run(
          "insert into revocations values (?, ?) on conflict do nothing",
          serial,
          revokedMs,
        );
      }
    });
  }

  /** Everything revoked whose validity has not ended anyway. */
  revoked(nowMs: number): { readonly serial: string; readonly revokedMs: number }[] {
    const query = this.#database.prepare(
      `select serial, revoked_ms from revocations join enrolments using (serial)
        where expires_ms > ? order by revoked_ms, serial`,
    );
    return query
      .all(nowMs)
      .map((row) => ({ serial: String(row.serial), revokedMs: Number(row.revoked_ms) }));
  }

  /** The number of a new list of revoked certificates: higher than every one before, and than `others`. */
  nextListNumber(nowMs: number, others: number): number {
    const row = this.#database.prepare("select coalesce(max(number), 0) as last from lists").get();
    const number = Math.max(Number(row?.last), others) + 1;
    this.#run("insert into lists values (?, ?)", number, nowMs);
    return number;
  }

  #insert(row: Omit<Enrolment, "revokedMs">): void {
    const { serial, party, supplier, keyHash, certificatePem, issuedMs, expiresMs } = row;
    const values = [serial, party.role, party.id, supplier, keyHash, certificatePem];
    const sql = "insert into enrolments values (?, ?, ?, ?, ?, ?, ?, ?)";
    this.#run(sql, ...values, issuedMs, expiresMs);
  }

  #run(sql: string, ...values: (string | number | null)[]) {
    return this.#database.prepare(sql).run(...values);
  }
}
