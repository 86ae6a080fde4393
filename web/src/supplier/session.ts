// The supplier of this browser: who it is, and what follows its sums while the page is open.
import { batch, signal } from "@preact/signals";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { marketClock } from "../../../src/platform/market-clock.ts";
import { deviceSigner } from "../market/device-signer.ts";
import type { Missing } from "../market/enrol-form.tsx";
import { certificateByCode, newDeviceKey } from "../market/enrolment.ts";
import { type Engine, engine, market, whenKnown } from "../market/feed.ts";
import { type StoredSupplierIdentity, SupplierDatabase } from "./database.ts";
import { Follower } from "./follower.ts";

/** "unsupported": this browser, or this market, cannot. "new": no certificate. */
export type SupplierState = "loading" | "unsupported" | "new" | "ready";

export const supplierState = signal<SupplierState>("loading");
/** What is missing. */
export const unsupported = signal<Missing>("storage");
export const identity = signal<StoredSupplierIdentity | null>(null);
export const follower = signal<Follower | null>(null);

let database: SupplierDatabase | null = null;
let started = false;

/** Opens what this browser has kept, once the market is known. May be called again and again. */
export function startSession(): void {
  if (started) return;
  started = true;
  whenKnown((document, library) => void open(document, library));
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

function cannot(what: Missing): void {
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
  const own = identity.value ?? (await newIdentity());
  identity.value = own;
  const answer = await certificateByCode(code, own.requestPem, "supplier");
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

async function newIdentity(): Promise<StoredSupplierIdentity> {
  const made = await newDeviceKey(engine.value!, "supplier");
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
