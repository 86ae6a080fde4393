// The supplier of this browser: who it is, and what follows its sums while the page is open.
import { batch, effect, signal } from "@preact/signals";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { marketClock } from "../../../src/platform/market-clock.ts";
import { deviceSigner } from "../market/device-signer.ts";
import { type Engine, engine, market } from "../market/feed.ts";
import { type StoredSupplierIdentity, SupplierDatabase } from "./database.ts";
import { Follower } from "./follower.ts";

/** "unsupported": this browser, or this market, cannot. "new": no certificate. */
export type SupplierState = "loading" | "unsupported" | "new" | "ready";

export const supplierState = signal<SupplierState>("loading");
/** What is missing, in one of these words. */
export const unsupported = signal<"context" | "storage" | "addresses">("storage");
export const identity = signal<StoredSupplierIdentity | null>(null);
export const follower = signal<Follower | null>(null);

let database: SupplierDatabase | null = null;
let started = false;

/** Opens what this browser has kept, once the market is known. May be called again and again. */
export function startSession(): void {
  if (started) return;
  started = true;
  const stop = effect(() => {
    const [document, library] = [market.value, engine.value];
    if (document === null || library === null) return;
    queueMicrotask(() => stop());
    void open(document, library);
  });
}

async function open(document: MarketDocument, library: Engine): Promise<void> {
  if (!window.isSecureContext) return cannot("context");
  if (library.browserApis(document) === null) return cannot("addresses");
  try {
    database = await SupplierDatabase.open(document.id);
    identity.value = await database.identity();
    if (identity.value?.enrolled == null) supplierState.value = "new";
    else startFollowing();
  } catch {
    cannot("storage");
  }
}

function cannot(what: typeof unsupported.value): void {
  unsupported.value = what;
  supplierState.value = "unsupported";
}

function startFollowing(): void {
  const [document, library, own] = [market.value!, engine.value!, identity.value!];
  const { supplier, certificatePem } = own.enrolled!;
  const party = { role: "supplier", id: String(supplier) } as const;
  const client = new library.SupplierClient({
    market: document,
    apis: library.browserApis(document)!,
    signer: deviceSigner(party, own.keys, certificatePem),
    supplier,
    tools: { field: new library.Field(), primitives: library.webPrimitives },
  });
  const time = marketClock(systemClock, document.rehearsal);
  const running = new Follower({
    market: document,
    client,
    database: database!,
    clock: systemClock,
    time,
  });
  running.run();
  batch(() => {
    follower.value = running;
    supplierState.value = "ready";
  });
}

/**
 * Enrols this browser with a one-time code of a supplier. Again after a failure, it uses the same key: the registrar
 * gives the same certificate. Rejects with EnrolmentError or TransportError.
 */
export async function enrol(code: string): Promise<void> {
  const [library, document] = [engine.value!, market.value!];
  const own = identity.value ?? (await newIdentity(library));
  identity.value = own;
  const url = document.registrar?.web;
  if (url === undefined) throw new Error("this market has no registrar for browsers");
  const request = { code, request: own.requestPem, role: "supplier" as const };
  const answer = await library.enrolByCode(library.fetchTransport(), url, request);
  const enrolled = {
    supplier: answer.supplier,
    certificatePem: answer.certificate,
    atMs: systemClock.utcMs(),
  };
  await database!.keepIdentity({ ...own, enrolled });
  identity.value = { ...own, enrolled };
  void navigator.storage.persist?.();
  startFollowing();
}

async function newIdentity(library: Engine): Promise<StoredSupplierIdentity> {
  const keys = await library.createDeviceKey();
  const made = { keys, requestPem: await library.requestFor(keys, "supplier"), enrolled: null };
  await database!.keepIdentity(made);
  return made;
}

/** Forgets key, certificate and sums, for another code. */
export async function forget(): Promise<void> {
  follower.value?.stop();
  await database!.clear();
  batch(() => {
    follower.value = null;
    identity.value = null;
    supplierState.value = "new";
  });
}
