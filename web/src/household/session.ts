// The household of this browser: who it is, its gateway while this tab is the one that runs it, and its settings.
import { batch, effect, signal } from "@preact/signals";
import type { EvaluatorApi } from "../../../src/client/evaluator-api.ts";
import type { MeterClient } from "../../../src/client/meter-client.ts";
import type { ClearOrder } from "../../../src/client/prepared-order.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { marketClock } from "../../../src/platform/market-clock.ts";
import type { Signer } from "../../../src/wire/http-signature.ts";
import { deviceSigner } from "../market/device-signer.ts";
import type { Missing } from "../market/enrol-form.tsx";
import { certificateByCode, newDeviceKey } from "../market/enrolment.ts";
import {
  type Engine,
  engine,
  isOnline,
  market,
  silentEvaluators,
  whenKnown,
} from "../market/feed.ts";
import { HouseholdDatabase, type StoredIdentity } from "./database.ts";
import { Gateway } from "./gateway.ts";
import { Metering } from "./metering.ts";
import { EMPTY_SETTINGS, type HouseholdSettings, wishOf } from "./settings.ts";

/**
 * "unsupported": this browser, or this market, cannot. "elsewhere": another tab runs the gateway. "new": no
 * certificate.
 */
export type SessionState = "loading" | "unsupported" | "new" | "ready" | "elsewhere";

export const sessionState = signal<SessionState>("loading");
/** What is missing. */
export const unsupported = signal<Missing>("storage");
export const identity = signal<StoredIdentity | null>(null);
export const gateway = signal<Gateway | null>(null);
/** Readings and bills; null where the market has no settlement. */
export const metering = signal<Metering | null>(null);
/** How this household speaks to evaluators; while the gateway runs here. */
export const access = signal<HouseholdAccess | null>(null);
export const settings = signal<HouseholdSettings>(EMPTY_SETTINGS);

export interface HouseholdAccess {
  readonly client: MeterClient;
  readonly apis: readonly EvaluatorApi[];
  readonly signer: Signer;
  readonly meter: string;
  readonly supplier: number;
}

let database: HouseholdDatabase | null = null;
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
    database = await HouseholdDatabase.open(document.id);
    const kept = await database.setting<HouseholdSettings>("household");
    const own = await database.identity();
    batch(() => {
      settings.value = { ...EMPTY_SETTINGS, ...kept };
      identity.value = own;
    });
    if (own?.enrolled == null) sessionState.value = "new";
    else await runHere(false);
  } catch {
    cannot("storage");
  }
}

function cannot(what: Missing): void {
  unsupported.value = what;
  sessionState.value = "unsupported";
}

/** Runs the gateway in this tab, as soon as no other one does; at once with `steal`, which ends it there. */
export async function runHere(steal: boolean): Promise<void> {
  const document = market.value!;
  const name = `hushwatt ${document.id}`;
  if (!steal) {
    const free = await navigator.locks.request(
      name,
      { ifAvailable: true },
      (lock) => lock !== null,
    );
    if (!free) sessionState.value = "elsewhere";
  }
  const held = async () => {
    await startGateway();
    await new Promise(() => {}); // For as long as the tab is open.
  };
  navigator.locks.request(name, { steal }, held).catch(() => {
    // Another tab has taken it.
    gateway.value?.stop();
    metering.value?.stop();
    batch(() => {
      gateway.value = null;
      metering.value = null;
      sessionState.value = "elsewhere";
    });
  });
}

async function startGateway(): Promise<void> {
  const [document, library, own] = [market.value!, engine.value!, identity.value];
  const enrolled = own?.enrolled;
  if (own === null || enrolled == null || database === null) return;
  const time = marketClock(systemClock, document.rehearsal);
  const { webPrimitives: primitives } = library;
  const { meter, supplier } = enrolled;
  const apis = library.browserApis(document)!;
  const party = { role: "meter", id: meter } as const;
  const signer = deviceSigner(party, own.keys, enrolled.certificatePem);
  const client = new library.MeterClient({
    market: document,
    apis,
    signer,
    meter,
    supplier,
    tools: { field: new library.Field(), primitives },
  });
  const wish = (start: number): ClearOrder | null => wishOf(settings.value, document, start);
  const opened = await Gateway.open({
    market: document,
    client,
    database,
    clock: systemClock,
    time,
    primitives,
    wish,
  });
  const readings =
    document.settlement === null
      ? null
      : await Metering.open({
          market: document,
          client,
          store: database.readings,
          clock: systemClock,
          time,
          orders: () => opened.entries,
        });
  batch(() => {
    gateway.value = opened;
    metering.value = readings;
    access.value = { client, apis, signer, meter, supplier };
    sessionState.value = "ready";
  });
  opened.run();
  void readings?.run();
  sendAgainWhenReached(opened);
}

/** Orders that wait are sent as soon as an evaluator, or the connection, is back. */
function sendAgainWhenReached(running: Gateway): void {
  let before = Number.POSITIVE_INFINITY;
  effect(() => {
    const missing = silentEvaluators.value.length + (isOnline.value ? 0 : 1);
    if (missing < before) running.sendAgain();
    before = missing;
  });
}

/** Keeps settings, and has the gateway order accordingly. */
export async function keepSettings(changed: Partial<HouseholdSettings>): Promise<void> {
  settings.value = { ...settings.value, ...changed };
  await database?.keepSetting("household", settings.value);
}

export const exportHistory = () => database?.everything();

/**
 * Enrols this device with a one-time code. Again after a failure, it uses the same key: the registrar gives the
 * same certificate. Rejects with EnrolmentError or TransportError.
 */
export async function enrol(code: string): Promise<void> {
  const own = identity.value ?? (await newIdentity());
  identity.value = own;
  const answer = await certificateByCode(code, own.requestPem, "meter");
  const enrolled = {
    meter: answer.id,
    supplier: answer.supplier,
    certificatePem: answer.certificate,
    atMs: systemClock.utcMs(),
  };
  await database!.keepIdentity({ ...own, enrolled });
  identity.value = { ...own, enrolled };
  // So that the browser does not clear it when its disk is full.
  void navigator.storage.persist?.();
  await runHere(false);
}

async function newIdentity(): Promise<StoredIdentity> {
  const made = await newDeviceKey(engine.value!, "meter");
  await database!.keepIdentity(made);
  return made;
}
