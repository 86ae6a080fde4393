// Opening databases: what is said of those that cannot be used, and who may read the file.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { openStore } from "./open-store.ts";
import { StoreError } from "./store-error.ts";
import { KINDS, testStores } from "./stores.test-helper.ts";
import { orderOf } from "./test-orders.test-helper.ts";

const folder = mkdtempSync(join(tmpdir(), "hw-open-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function errorOf(database: string): Promise<string> {
  const error = await openStore(database).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreError);
  return (error as StoreError).message;
}

it("knows two kinds of databases", async () => {
  for (const name of ["", "market.db", "sqlite:", "mysql://localhost/market"]) {
    expect(await errorOf(name)).toMatch(/names no database: write sqlite:FILE or postgres:/);
  }
});

it("says which file cannot be used", async () => {
  const missing = join(folder, "no", "such", "market.db");
  expect(await errorOf(`sqlite:${missing}`)).toBe(
    `cannot open the database file ${missing}: ENOENT: no such file or directory, open '${missing}'`,
  );
  const directory = join(folder, "directory");
  mkdirSync(directory);
  expect(await errorOf(`sqlite:${directory}`)).toMatch(/cannot open the database file .*EISDIR/);
  const other = join(folder, "other");
  writeFileSync(other, "not a database, but long enough that it could be one".repeat(100));
  expect(await errorOf(`sqlite:${other}`)).toMatch(
    /cannot open the database file .*not a database/,
  );
});

it("says which server cannot be reached, and not the password", async () => {
  const said = await errorOf("postgres://somebody:secret@127.0.0.1:1/market");
  expect(said).toMatch(/postgres:\/\/somebody:\*\*\*@127\.0\.0\.1:1\/market.*ECONNREFUSED/);
  expect(said).not.toMatch(/secret/);
});

it("keeps a file to its owner", async () => {
  const file = join(folder, "market.db");
  writeFileSync(file, "");
  chmodSync(file, 0o644);
  const store = await openStore(`sqlite:${file}`);
  await store.addOrders([orderOf(1, 1)], 1);
  const files = readdirSync(folder).filter((name) => name.startsWith("market.db"));
  expect(files.sort()).toEqual(["market.db", "market.db-shm", "market.db-wal"]);
  for (const name of files) {
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
  }
  await store.close();
});

describe.each(KINDS)("a newer database in %s", (kind) => {
  const { database, open } = testStores(kind);

  it("is left as it is", async () => {
    const name = await database();
    await (await open(name)).close();
    const newer = "update hushwatt_version set version = 99";
    if (kind === "sqlite") {
      const file = new DatabaseSync(name.slice("sqlite:".length));
      file.exec(newer);
      file.close();
    } else {
      const client = new pg.Client({ connectionString: name });
      await client.connect();
      await client.query(newer);
      await client.end();
    }
    expect(await errorOf(name)).toMatch(
      /the database has version 99, this program knows up to \d+/,
    );
  });
});
