// Opens an evaluator's database: an embedded SQLite file, or a PostgreSQL server.
import { chmodSync, closeSync, openSync } from "node:fs";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { messageOf } from "../platform/errors.ts";
import type { EvaluatorStore } from "./evaluator-store.ts";
import { migrate } from "./migrations.ts";
import { SqlStore } from "./sql-store.ts";
import { openSqliteFile } from "./sqlite-dialect.ts";
import { StoreError } from "./store-error.ts";
import type { Kind, Tables } from "./tables.ts";

const SQLITE = "sqlite:";
const CONNECTIONS = 8;
const CONNECT_MS = 10_000;
const IDLE_MS = 15_000;
const BIGINT_TYPE = 20;

/** `sqlite:FILE` or `postgres://...`. Throws StoreError. */
export async function openStore(database: string): Promise<EvaluatorStore> {
  const kind = kindOf(database);
  const db = kind === "sqlite" ? openSqlite(database.slice(SQLITE.length)) : openPostgres(database);
  try {
    await migrate(db, kind);
  } catch (error) {
    await db.destroy().catch(() => {});
    if (error instanceof StoreError) throw error;
    throw new StoreError(
      `cannot use the database ${withoutPassword(database)}: ${messageOf(error)}`,
    );
  }
  return new SqlStore(db, kind);
}

function kindOf(database: string): Kind {
  if (database.startsWith(SQLITE) && database !== SQLITE) return "sqlite";
  if (/^postgres(ql)?:\/\//.test(database)) return "postgres";
  throw new StoreError(
    `"${withoutPassword(database)}" names no database: write sqlite:FILE or postgres://USER@HOST/NAME`,
  );
}

function openSqlite(file: string): Kysely<Tables> {
  try {
    // The file exists with its mode before anything is written into it.
    closeSync(openSync(file, "a", 0o600));
    chmodSync(file, 0o600);
    return new Kysely<Tables>({ dialect: openSqliteFile(file) });
  } catch (error) {
    throw new StoreError(`cannot open the database file ${file}: ${messageOf(error)}`);
  }
}

function openPostgres(url: string): Kysely<Tables> {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    // A process that is stopped in the middle of a transaction must not keep others from leading.
    idle_in_transaction_session_timeout: IDLE_MS,
    // Everything kept in 64 bits here is below 2^53.
    types: {
      getTypeParser: (oid, format) =>
        oid === BIGINT_TYPE && format !== "binary" ? Number : pg.types.getTypeParser(oid, format),
    } as pg.CustomTypesConfig,
  });
  // A connection that ends is replaced by the pool when it is needed. One in use fails its query, and says so here too.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

const withoutPassword = (database: string): string =>
  database.replace(/\/\/([^:@/]*):[^@]*@/, "//$1:***@");
