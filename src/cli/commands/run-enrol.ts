// hushwatt enrol: the registrar issues certificates for requests, or one-time codes for meters.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readRequest } from "../../crypto/certificate-requests.ts";
import { AUTHORITY_FILE } from "../../crypto/identity-files.ts";
import { type Party, type PartyRole, partyName } from "../../crypto/party.ts";
import { type Issued, Registrar } from "../../registrar/registrar.ts";
import type { CodeRole } from "../../registrar/registry.ts";
import { refusalsAsInputErrors } from "../registrar-errors.ts";
import { InputError, print, writeOut } from "../terminal.ts";

export interface EnrolOptions {
  readonly request: string;
  readonly registry: string;
  readonly out: string;
  readonly supplier?: string;
  readonly renew?: boolean;
  readonly validDays: number;
}

export interface CodeOptions {
  readonly role: CodeRole;
  readonly registry: string;
  readonly supplier: string;
  readonly count: number;
  readonly validDays: number;
  readonly out?: string;
}

async function doEnrolParty(
  role: PartyRole,
  id: string | undefined,
  options: EnrolOptions,
): Promise<void> {
  const { request: file, registry, out, renew = false, validDays: validityDays } = options;
  const requestPem = await readFile(file, "utf8").catch(() => {
    throw new InputError([`cannot read the request ${file}`]);
  });
  const party = await partyOfRequest(role, id, requestPem, file);
  const registrar = await Registrar.open(registry);
  try {
    checkAuthorityBeside(out, await textAt(authorityBeside(out)), registrar.authorityPem);
    const supplier =
      options.supplier === undefined
        ? {}
        : { supplier: registrar.supplierNumber(options.supplier) };
    const issued = await registrar.enrol(requestPem, party, { renew, validityDays, ...supplier });
    await writeIssued(out, issued);
    const where = [out, authorityBeside(out)].join(" and ");
    print([
      `${partyName(issued.party)} of market ${registrar.market.id} is enrolled`,
      existsSync(join(dirname(out), "key.pem"))
        ? `${where} are beside its key: ready`
        : `next: ${where} go into the folder of its key, as certificate.pem and ${AUTHORITY_FILE}`,
    ]);
  } finally {
    registrar.close();
  }
}

/** Whom a request is for: whom it names, which must be what the command line says. */
async function partyOfRequest(
  role: PartyRole,
  id: string | undefined,
  requestPem: string,
  file: string,
): Promise<Party | "new-meter"> {
  const { party } = await readRequest(requestPem, file);
  if (party === null && role === "meter") return id === undefined ? "new-meter" : { role, id };
  if (party === null)
    throw new InputError([`${file} names no ${role}: it is a new meter's request`]);
  if (party.role === role && (id === undefined || id === party.id)) return party;
  const expected = id === undefined ? `a ${role}` : partyName({ role, id });
  throw new InputError([`${file} is the request of ${partyName(party)}, not of ${expected}`]);
}

const authorityBeside = (out: string): string => join(dirname(out), AUTHORITY_FILE);

const textAt = (path: string): Promise<string | null> => readFile(path, "utf8").catch(() => null);

/** Two markets' certificates in one folder would fit nobody's key. */
function checkAuthorityBeside(out: string, found: string | null, authorityPem: string): void {
  if (found === null || found.trim() === authorityPem.trim()) return;
  throw new InputError([`${authorityBeside(out)} is another market's: choose another folder`]);
}

async function writeIssued(out: string, issued: Issued): Promise<void> {
  for (const [path, text] of [
    [out, issued.certificatePem],
    [authorityBeside(out), issued.authorityPem],
  ] as const) {
    await writeFile(path, `${text.trim()}\n`).catch((error: NodeJS.ErrnoException) => {
      throw new InputError([`cannot write ${path}: ${error.code}`]);
    });
  }
}

async function doMakeCodes(options: CodeOptions): Promise<void> {
  const { registry, role, supplier, count, validDays, out } = options;
  const registrar = await Registrar.open(registry);
  try {
    const number = registrar.supplierNumber(supplier);
    const codes = registrar.createCodes(number, count, validDays, role);
    await writeOut([`${codes.join("\n")}\n`], out);
    if (out !== undefined) print([`${count} codes in ${out}, valid for ${validDays} days`]);
    const whom = role === "meter" ? "one meter" : `one browser of ${supplier}`;
    const note = `each enrols ${whom}, once; only their hashes are kept, so they cannot be shown again`;
    process.stderr.write(`${note}\n`);
    if (registrar.market.registrar === null) {
      process.stderr.write(
        "this market names no registrar's address: codes need hushwatt registrar\n",
      );
    }
  } finally {
    registrar.close();
  }
}

export const enrolParty = (...given: Parameters<typeof doEnrolParty>): Promise<void> =>
  refusalsAsInputErrors(doEnrolParty(...given));

export const makeCodes = (...given: Parameters<typeof doMakeCodes>): Promise<void> =>
  refusalsAsInputErrors(doMakeCodes(...given));
