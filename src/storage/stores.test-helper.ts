// For tests of the store: fresh databases of both kinds, and records to keep in them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type Decision, type SignedDecision, textOfPeriod } from "../wire/records.ts";
import type { EvaluatorStore, Lease, NewOrder, OrderEntry } from "./evaluator-store.ts";
import { openStore } from "./open-store.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.test-helper.ts";
import { digest, PERIOD } from "./test-orders.test-helper.ts";

export const KINDS = ["sqlite", "postgres"] as const;
export const MOST_VERSIONS = 4;
export const MINUTE_MS = 60_000;

export interface TestStores {
  /** The name of a new, empty database. */
  database(): Promise<string>;
  /** Opens a store, of a new database unless one is named; it is closed after the test. */
  open(database?: string): Promise<EvaluatorStore>;
  /** Where `kind` is postgres. */
  server(): PostgresServer;
}

/** Databases of one kind for the tests of a `describe`, which start and stop with it. */
export function testStores(kind: (typeof KINDS)[number]): TestStores {
  const folder = mkdtempSync(join(tmpdir(), "hw-store-"));
  let server: PostgresServer | null = null;
  let stores: EvaluatorStore[] = [];
  let files = 0;
  beforeAll(async () => {
    if (kind === "postgres") server = await startPostgres();
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const database = async () => {
    if (server !== null) return server.createDatabase();
    files += 1;
    return `sqlite:${join(folder, `${files}.db`)}`;
  };
  const open = async (name?: string) => {
    const store = await openStore(name ?? (await database()));
    stores.push(store);
    return store;
  };
  return { database, open, server: () => server! };
}

export const entryOf = ({ meter, sequence, orderId, supplier }: NewOrder): OrderEntry => ({
  meter,
  sequence,
  orderId,
  supplier,
});

/** As the contract has it: by meter, the highest sequence number of each first. */
export const inOrder = (entries: readonly OrderEntry[]): OrderEntry[] =>
  entries.toSorted((a, b) =>
    a.meter === b.meter ? b.sequence - a.sequence : a.meter < b.meter ? -1 : 1,
  );

export const agreedOf = (entries: readonly OrderEntry[], name = "") => ({
  count: entries.length,
  root: digest(name + JSON.stringify(entries)),
});

export function decisionOf(
  attempt: number,
  changes: Partial<Decision> = {},
  start = PERIOD,
): Decision {
  return {
    market: "a market",
    period: textOfPeriod(start),
    attempt,
    outcome: "cleared",
    reason: null,
    agreed: null,
    members: [0, 1, 2],
    active: [0, 1, 2],
    traded: false,
    priceTick: null,
    coin: null,
    rejected: [],
    revealedSuppliers: [false],
    ...changes,
  };
}

export const voidOf = (attempt: number, start = PERIOD): Decision =>
  decisionOf(attempt, { outcome: "void", reason: "abort", active: [] }, start);

export const signedBy = (decision: Decision, ...evaluators: number[]): SignedDecision => ({
  decision,
  signatures: evaluators.map((evaluator) => ({
    evaluator,
    certificate: "AAAA",
    signature: "BBBB",
  })),
});

export async function leaseOf(store: EvaluatorStore, holder = "one"): Promise<Lease> {
  return (await store.takeLease("leader", holder, PERIOD * 1000, MINUTE_MS))!;
}
