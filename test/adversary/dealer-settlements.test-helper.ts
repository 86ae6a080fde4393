// Whole settlement sessions with a market's dealer in one process, of which one evaluator may lie, for tests of what
// the others make of it: the service's own session at two evaluators, the dealer's own side of it, and readings and
// trades that are masked as meters and clearings mask them. What comes of it is unmasked with the dealer's secret.
import type { Link } from "../../src/channel/channel.ts";
import { memoryLinks } from "../../src/channel/memory.ts";
import { maskRow } from "../../src/client/row-sharing.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { serveEvaluator } from "../../src/dealer/evaluator-links.ts";
import { MarketAttempts } from "../../src/dealer/market-attempts.ts";
import { KEPT, MaskKeys } from "../../src/dealer/mask-keys.ts";
import { metersOf } from "../../src/evaluator/periods/covered-meters.ts";
import { dealtReadings } from "../../src/evaluator/periods/dealt-settlement.ts";
import type { SettledPeriod } from "../../src/evaluator/periods/own-settlement.ts";
import {
  type CheckedReadings,
  checkReadings,
  readingRowsOf,
} from "../../src/evaluator/settlement-session.ts";
import { Field } from "../../src/field/field.ts";
import { signedElements } from "../../src/market/money.ts";
import type { Reading } from "../../src/market/reading.ts";
import { readingLayout, readingRows } from "../../src/market/reading.ts";
import { settledMarket } from "../../src/market/settled-market.test-helper.ts";
import { closePeers, type FrameWatch, meshedPeers } from "../../src/mpc/parties.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { expandMask } from "../../src/sharing/masks.ts";
import {
  COMPONENTS_PER_METER,
  MASK_NAME_BYTES,
  NONCE_BYTES,
  SETTLED_PER_SUPPLIER,
  TRADES_PER_ORDER,
} from "../../src/wire/dealer-messages.ts";
import { fromHex, toHex } from "../../src/wire/hex.ts";
import { type Decision, textOfPeriod } from "../../src/wire/records.ts";
import { completeSetting } from "../../src/wire/setting.ts";

const PARTIES = 2;
export const START = Date.parse("2025-03-10T00:00:00Z") / 1000;
export const PRICE_TICK = 3_000;
/** Which suppliers are told their customers' sums; all are told their positions. */
export const TOLD = [true, false];

const address = { host: "127.0.0.1", port: 1 };
const { priorityOrder: _, ...setting } = completeSetting({ engine: "dealer", parties: PARTIES });
export const market = settledMarket(
  {},
  {
    setting,
    evaluators: Array.from({ length: PARTIES }, (__, i) => ({
      name: `organisation ${i}`,
      url: `https://evaluator-${i}.example:8443`,
      peers: [address],
    })),
    dealer: { name: "dealer", url: "https://dealer.example:8443", links: address },
  },
);

/** What a meter traded, null without an order; and what it says that it metered, null without a reading. */
export interface SettledHousehold {
  readonly supplier: number;
  readonly trade: { readonly boughtUnits: number; readonly soldUnits: number } | null;
  readonly reading: Reading | null;
}

/** What is changed at evaluator 1 alone. */
export interface LieInSession {
  /** Of the readings under their masks, or of the trades under theirs. */
  readonly rows?: (bytes: Uint8Array) => Uint8Array;
  readonly trades?: (bytes: Uint8Array) => Uint8Array;
  /** Names another clearing to the dealer, or another reading. */
  readonly cleared?: string;
  readonly names?: (bytes: Uint8Array) => Uint8Array;
  readonly onFrame?: FrameWatch;
}

export interface SettledSession {
  readonly ended: readonly PromiseSettledResult<CheckedReadings>[];
  /** By meter that is covered: the components; by supplier: imported, exported, position. */
  unmasked(party: number): { readonly meters: bigint[][]; readonly suppliers: bigint[][] };
  /** The households that were covered, by place. */
  covered(party: number): readonly { readonly household: number; readonly isRead: boolean }[];
}

const layout = readingLayout(market.parameters.energyBits);
const tools = { field: new Field(), primitives: nodePrimitives };
const meterOf = (household: number) => household.toString(16).padStart(32, "0");
const entryOf = (household: number, supplier: number) => ({
  meter: meterOf(household),
  sequence: 1,
  orderId: household.toString(16).padStart(64, "0"),
  supplier,
});

function decisionIn(session: string): Decision {
  return {
    market: market.id,
    period: textOfPeriod(START),
    attempt: 1,
    outcome: "cleared",
    reason: null,
    agreed: null,
    members: [0, 1],
    active: [0, 1],
    traded: true,
    priceTick: PRICE_TICK,
    coin: null,
    rejected: [],
    revealedSuppliers: [true, true],
    dealing: session,
  };
}

/** What evaluators hold: everything under masks of the dealer's. */
function heldOf(keys: MaskKeys, session: string, households: readonly SettledHousehold[]) {
  const { field } = tools;
  const places = (has: (of: SettledHousehold) => boolean) =>
    [...households.keys()].filter((i) => has(households[i]!));
  const entries = (of: readonly number[]) => of.map((i) => entryOf(i, households[i]!.supplier));
  const ordering = places(({ trade }) => trade !== null);
  const reading = places((one) => one.reading !== null);

  const numbers = (of: "boughtUnits" | "soldUnits") => {
    const vector = field.alloc(ordering.length);
    field.setNumbers(
      vector,
      ordering.map((i) => households[i]!.trade![of]),
    );
    return vector;
  };
  const masked = field.alloc(TRADES_PER_ORDER * ordering.length);
  const bought = numbers("boughtUnits");
  const net = masked.slice(0, ordering.length);
  field.sub(net, bought, numbers("soldUnits"));
  field.copy(masked.slice(ordering.length, masked.length), bought);
  const cleared = { kind: "order", periodStart: START, attempt: 1, session } as const;
  const mask = field.alloc(masked.length);
  expandMask(field, nodePrimitives, keys.result({ ...cleared, party: KEPT.trades }), mask);
  field.sub(masked, masked, mask);
  const trades = field.toBytes(masked);

  const names = new Uint8Array(reading.length * MASK_NAME_BYTES);
  const rows = reading.map((i, at) => {
    const nonce = nodePrimitives.randomBytes(NONCE_BYTES);
    const own = { kind: "reading", periodStart: START, meter: meterOf(i) } as const;
    const seed = keys.row({ ...own, nonce: toHex(nonce) });
    const row = maskRow(tools, { nonce, seed }, readingRows([households[i]!.reading!], layout));
    names.set(fromHex(own.meter), at * MASK_NAME_BYTES);
    names.set(nonce, (at + 1) * MASK_NAME_BYTES - NONCE_BYTES);
    return row.subarray(NONCE_BYTES);
  });
  field.memory.reset();
  const bytes = new Uint8Array(Buffer.concat(rows));
  return { orders: entries(ordering), readings: entries(reading), trades, names, bytes };
}

/** Those of a dealer that has just been set up. */
export const newKeys = () => new MaskKeys(nodePrimitives.randomBytes(32), market.id);

/** Settles a period among both evaluators, with a dealer that has just been started, and lies as it is told. */
export async function settleSession(
  households: readonly SettledHousehold[],
  lie: LieInSession = {},
  keys: MaskKeys = newKeys(),
): Promise<SettledSession> {
  const session = toHex(nodePrimitives.randomBytes(16));
  const { orders, readings, trades, names, bytes } = heldOf(keys, session, households);
  const attempts = new MarketAttempts({
    market,
    marketClock: { nowS: () => START + market.schedule.period_s, msUntil: () => 0 },
    clock: systemClock,
    field: new Field(),
    primitives: nodePrimitives,
    keys,
    widths: { order: layout.bits, reading: layout.bits },
    onAttempt: () => {},
  });
  const periodOf = (clearing: Decision, rejected: readonly number[]): SettledPeriod => {
    const meters = metersOf(orders, readings, rejected);
    const telling = {
      revealedSuppliers: TOLD,
      revealedPositions: TOLD.map(() => true),
      grouped: meters.map(() => true),
      groups: [],
    };
    return { start: START, clearing, meters, telling };
  };
  const places = new Map(orders.map(({ meter }, place) => [meter, place]));
  const peers = meshedPeers(PARTIES, lie.onFrame);
  const running = peers.map(async (own, party) => {
    const field = new Field();
    const changes = party === 1 ? lie : {};
    const same = (given: Uint8Array) => given;
    const rows = readingRowsOf(
      { field, primitives: nodePrimitives },
      market.setting,
      party,
      readings.length,
      layout,
    );
    rows[0]!.write((changes.rows ?? same)(bytes), 0);
    const clearing = decisionIn(changes.cleared ?? session);
    const dealt = dealtReadings(market, {
      start: START,
      revision: 0,
      attempt: 1,
      names: (changes.names ?? same)(names),
      supplies: { clearing, orders, trades, groups: { last: null, agreed: true } },
      periodOf: (rejected) => periodOf(clearing, rejected),
    });
    const reachDealer = async () => {
      const [mine, served] = memoryLinks(`evaluator-${party}`, "dealer-0") as [Link, Link];
      void serveEvaluator({ attempts, onRefused: () => {} }, served, party);
      return mine;
    };
    return checkReadings(
      { field, primitives: nodePrimitives, reachDealer },
      { peers: own, active: [...peers.keys()] },
      {
        setting: market.setting,
        layout,
        count: readings.length,
        rows,
        trades: (changes.trades ?? same)(trades),
        orders: orders.length,
        orderOf: Uint32Array.from(readings, ({ meter }) => places.get(meter) ?? orders.length),
      },
      dealt,
    );
  });
  const ended = await Promise.allSettled(running);
  closePeers(peers);

  const resultsOf = (party: number) => {
    const one = ended[party]!;
    if (one.status === "rejected") throw one.reason;
    return { ...one.value, dealt: one.value.dealt! };
  };
  const without = (masked: readonly Uint8Array[], party: string, name: string): bigint[] => {
    const { field } = tools;
    const all = new Uint8Array(Buffer.concat(masked));
    const [values, mask] = [field.alloc(all.length / 8), field.alloc(all.length / 8)];
    field.setBytes(values, all);
    const settled = { kind: "reading", periodStart: START, attempt: 1, session: name } as const;
    expandMask(field, nodePrimitives, keys.result({ ...settled, party }), mask);
    field.add(values, values, mask);
    const unmasked = signedElements(field.toBytes(values));
    field.memory.reset();
    return unmasked;
  };
  const covered = (party: number) =>
    periodOf(decisionIn(session), resultsOf(party).rejected).meters.map(({ meter, reading }) => ({
      household: Number.parseInt(meter, 16),
      isRead: reading !== null,
    }));
  return {
    ended,
    covered,
    unmasked(party) {
      const { dealt } = resultsOf(party);
      const told = market.suppliers.map((__, k) => dealt.results.slice(2 * k, 2 * k + 2));
      const suppliers = told.map((own, k) => without(own, `supplier-${k}`, dealt.session));
      const kept = dealt.results.slice(2 * market.suppliers.length);
      const amounts = without(kept, KEPT.amounts, dealt.session);
      const count = covered(party).length;
      const meters = Array.from({ length: count }, (__, i) =>
        Array.from({ length: COMPONENTS_PER_METER }, (___, c) => amounts[c * count + i]!),
      );
      return { meters, suppliers: suppliers.map((own) => own.slice(0, SETTLED_PER_SUPPLIER)) };
    },
  };
}
