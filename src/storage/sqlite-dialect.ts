// Node's SQLite for Kysely. A connection is synchronous: it must not wait in SQLite for a lock that another connection
// of the same process holds, so transactions take their lock at once, and wait for it without blocking.
import { realpathSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from "kysely";
import { systemClock } from "../platform/clock.ts";
import { nextTurn } from "../platform/turn.ts";

/** How long a transaction waits for those of other connections. */
const WAIT_MS = 30_000;
const RETRY_MS = 5;
/** How long SQLite itself may wait: longer while it opens a file, which others may be recovering. */
const OPENING_MS = 10_000;
const BLOCKING_MS = 5;
const MOST_PREPARED = 64;
const SQLITE_BUSY = 5;

/** Opens or creates the database in `file`: durable once committed, readers beside one writer. */
export function openSqliteFile(file: string): SqliteDialect {
  const database = new DatabaseSync(file, { timeout: OPENING_MS });
  try {
    database.exec("pragma journal_mode = wal; pragma synchronous = full");
    database.exec(`pragma busy_timeout = ${BLOCKING_MS}`);
  } catch (error) {
    database.close();
    throw error;
  }
  return new NodeSqliteDialect({ database: adapted(database) }, realpathSync(file));
}

class NodeSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;
  readonly #file: string;

  constructor(config: SqliteDialectConfig, file: string) {
    super(config);
    this.#config = config;
    this.#file = file;
  }

  override createDriver(): SqliteDriver {
    return new WaitingDriver(this.#config, this.#file);
  }
}

/** The last transaction that wants to write to a file, of all connections of this process: resolves when it is over. */
const lastWriters = new Map<string, Promise<void>>();

class WaitingDriver extends SqliteDriver {
  readonly #file: string;
  #leave = (): void => {};

  constructor(config: SqliteDialectConfig, file: string) {
    super(config);
    this.#file = file;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#queue();
    // Immediate: a transaction that reads first and writes later could find that others have written in between.
    const begin = CompiledQuery.raw("begin immediate");
    for (const end = systemClock.nowMs() + WAIT_MS; ; await systemClock.sleep(RETRY_MS)) {
      try {
        await connection.executeQuery(begin);
        return;
      } catch (error) {
        if (isBusy(error) && systemClock.nowMs() <= end) continue;
        this.#leave();
        throw error;
      }
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#leave();
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).finally(this.#leave);
  }

  /** Transactions of one process follow each other; trying again and again, one could miss every gap. */
  async #queue(): Promise<void> {
    const before = lastWriters.get(this.#file);
    const own = Promise.withResolvers<void>();
    lastWriters.set(this.#file, own.promise);
    await before;
    this.#leave = () => {
      own.resolve();
      if (lastWriters.get(this.#file) === own.promise) lastWriters.delete(this.#file);
    };
  }

  /** Queries of a connection are over when they return: without a pause, many in a row would keep all else waiting. */
  override async releaseConnection(): Promise<void> {
    await super.releaseConnection();
    await nextTurn();
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;

/** A connection in the form that Kysely expects; it keeps the statements used last, ready to run. */
function adapted(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, ReturnType<SqliteDatabase["prepare"]>>();
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = prepared.get(text) ?? adaptedStatement(database, text);
      prepared.delete(text);
      prepared.set(text, statement);
      for (const oldest of prepared.keys()) {
        if (prepared.size <= MOST_PREPARED) break;
        prepared.delete(oldest);
      }
      return statement;
    },
  };
}

function adaptedStatement(
  database: DatabaseSync,
  text: string,
): ReturnType<SqliteDatabase["prepare"]> {
  const statement = database.prepare(text);
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
