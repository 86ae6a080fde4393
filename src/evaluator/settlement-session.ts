// The readings of a period at one evaluator that checks them with others: which of them do not fit what their meters
// traded. The session has fresh keys, and nothing of it is kept but that; with a dealer, also what comes of the
// settlement, under masks: shares of one session are worth nothing in another.
import type { Link } from "../channel/channel.ts";
import { type ReadingLayout, readingFields } from "../market/reading.ts";
import { balanceReadings, foldReadings, type SecretReadings } from "../market/reading-intake.ts";
import { numberOf, type ReceivedShares } from "../market/row-intake.ts";
import type { SecretTrades } from "../market/settlement.ts";
import { DealerEngine } from "../mpc/dealer-engine.ts";
import type { Engine, LocalEngine } from "../mpc/engine.ts";
import type { Secret } from "../mpc/shared.ts";
import { nextTurn } from "../platform/turn.ts";
import { TRADES_PER_ORDER } from "../wire/dealer-messages.ts";
import type { Setting } from "../wire/setting.ts";
import { maskedRows } from "./dealer-intake.ts";
import {
  activePoints,
  type EngineTools,
  giveUpSession,
  type MarketDealing,
  type SessionParties,
  startEngine,
} from "./engine-sessions.ts";
import { replicatedRows, shamirRows } from "./order-intake.ts";
import { fullRows, type ReceivedRows } from "./received-rows.ts";
import { secretsIn } from "./share-bytes.ts";
import { replicatedCheck, shamirCheck } from "./share-checks.ts";
import { sharedRows } from "./shared-rows.ts";

/** This evaluator's shares of readings as they were received, one component after the other. */
export function readingRowsOf(
  { field, primitives }: Pick<EngineTools, "field" | "primitives">,
  setting: Setting,
  party: number,
  count: number,
  { width }: ReadingLayout,
): ReceivedRows[] {
  if (setting.engine === "dealer") return [fullRows(field, count, width)];
  return setting.engine === "shamir"
    ? [shamirRows(field, primitives, setting.threshold, party, count, width)]
    : replicatedRows(field, primitives, party, count, width);
}

export interface ReadingsToCheck {
  readonly setting: Setting;
  readonly layout: ReadingLayout;
  readonly count: number;
  readonly rows: readonly ReceivedRows[];
  /** Shares of what orders bought less what they sold, and of what they bought; the number of orders. */
  readonly trades: Uint8Array;
  readonly orders: number;
  /** Per reading the place of its meter's order; `orders` where it has none, and traded nothing. */
  readonly orderOf: Uint32Array;
}

/** With a dealer: what it is told of the session, and what is revealed once it is known which readings are rejected. */
export interface DealtReadings {
  readonly dealing: MarketDealing;
  /** `trades` one element per order, null without orders. */
  readonly results: (
    engine: LocalEngine,
    readings: SecretReadings,
    trades: SecretTrades | null,
    rejected: readonly number[],
  ) => readonly Secret[];
}

export interface CheckedReadings {
  /** Positions of those that are rejected. */
  readonly rejected: readonly number[];
  /** With a dealer: the session's name, and the results under their masks, the same at all evaluators. */
  readonly dealt: { readonly session: string; readonly results: readonly Uint8Array[] } | null;
}

/**
 * Checks readings. Throws ChannelError when another evaluator fails, AbortError when one is found to lie; the links are
 * closed then.
 */
export async function checkReadings(
  tools: EngineTools,
  parties: SessionParties,
  toCheck: ReadingsToCheck,
  dealt: DealtReadings | null,
): Promise<CheckedReadings> {
  const { setting, layout, orderOf } = toCheck;
  let dealer: Link | null = null;
  try {
    const dealing = dealt?.dealing ?? null;
    const started = await startEngine(tools, { setting, dealing }, parties);
    const { engine } = started;
    ({ dealer } = started);
    const received = receivedReadings(engine, parties, toCheck);
    const folded = await foldReadings(engine, tools.primitives, layout, received);
    const trades = await tradesOfOrders(engine, toCheck);
    const nothing = engine.constant([0]);
    const extended = trades === null ? nothing : engine.concat([trades.net, nothing]);
    const balanced = await balanceReadings(engine, folded, engine.gather(extended, orderOf));
    // Nobody goes on before all have verified what was opened.
    await engine.checkpoint();
    const rejected = balanced.rejected.flatMap((reason, i) => (reason === null ? [] : [i]));
    if (dealt === null) return { rejected, dealt: null };
    // Under masks that the dealer alone knows, everything before verified.
    const results = dealt.results(engine, balanced.readings, trades, rejected);
    return {
      rejected,
      dealt: { session: started.session!, results: await engine.reveal(results) },
    };
  } catch (error) {
    await giveUpSession(tools, parties, dealer);
    throw error;
  } finally {
    dealer?.close();
    tools.field.memory.reset();
  }
}

function receivedReadings(
  engine: Engine,
  parties: SessionParties,
  { setting, rows, count, layout }: ReadingsToCheck,
): ReceivedShares {
  const { peers } = parties;
  if (engine instanceof DealerEngine) return maskedRows(engine, peers, rows[0]!, count, layout);
  const points = activePoints(setting, parties);
  const check =
    points === null ? replicatedCheck(engine.field, peers) : shamirCheck(engine, peers, points);
  return sharedRows(engine.field, rows, count, layout, check);
}

/** What each order traded, from what is kept of it: shares, or with a dealer values under masks. */
async function tradesOfOrders(
  engine: Engine,
  { setting, trades, orders }: ReadingsToCheck,
): Promise<SecretTrades | null> {
  if (orders === 0) return null;
  if (!(engine instanceof DealerEngine)) {
    const [net, bought] = secretsIn(engine.field, setting, trades, orders);
    return { net: net!, bought: bought! };
  }
  const masked = engine.field.alloc(TRADES_PER_ORDER * orders);
  engine.field.setBytes(masked, trades);
  const masks = await engine.inputMasks(masked.length);
  const both = engine.add(masks, engine.fromPublic(masked));
  return { net: engine.slice(both, 0, orders), bought: engine.slice(both, orders, 2 * orders) };
}

/** Rows folded at once: their bits stay in the cache. */
const FOLDED_AT_ONCE = 4096;

/** Readings from the bits of checked rows: shares of their numbers, by this evaluator alone. */
export async function foldLocally(
  engine: LocalEngine,
  layout: ReadingLayout,
  rows: readonly ReceivedRows[],
  count: number,
): Promise<SecretReadings> {
  // They were checked with the others; here is nobody to check them with.
  const check = { misfits: async () => new Uint8Array(count), holders: () => "nobody" };
  const received = sharedRows(engine.field, rows, count, layout, check);
  const weights = engine.field.alloc(layout.width);
  engine.field.fill(weights, 0);
  const fields = readingFields(layout);
  const pieces: SecretReadings[] = [];
  for (let from = 0; from < count || from === 0; from += FOLDED_AT_ONCE) {
    const to = Math.min(from + FOLDED_AT_ONCE, count);
    const columns = await received.columns(from, to, weights);
    const number = (range: readonly [number, number]) => numberOf(engine, columns.slice(...range));
    pieces.push({
      imported: number(fields.imported),
      exported: number(fields.exported),
      shortage: number(fields.shortage),
      surplus: number(fields.surplus),
    });
    engine.free(...columns);
    await nextTurn();
  }
  const whole = (name: keyof SecretReadings) => engine.concat(pieces.map((piece) => piece[name]));
  return {
    imported: whole("imported"),
    exported: whole("exported"),
    shortage: whole("shortage"),
    surplus: whole("surplus"),
  };
}
