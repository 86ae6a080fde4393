// The readings of a period at one evaluator that checks them with others: which of them do not fit what their meters
// traded. The session has fresh keys, and nothing of it is kept but that.
import type { Link } from "../channel/channel.ts";
import { type ReadingLayout, readingFields } from "../market/reading.ts";
import { balanceReadings, foldReadings, type SecretReadings } from "../market/reading-intake.ts";
import { numberOf } from "../market/row-intake.ts";
import type { LocalEngine } from "../mpc/engine.ts";
import { assert } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import type { Setting } from "../wire/setting.ts";
import {
  activePoints,
  type EngineTools,
  type SessionParties,
  startEngine,
} from "./engine-sessions.ts";
import { replicatedRows, shamirRows } from "./order-intake.ts";
import type { ReceivedRows } from "./received-rows.ts";
import { secretsIn } from "./share-bytes.ts";
import { replicatedCheck, shamirCheck } from "./share-checks.ts";
import { sharedRows } from "./shared-rows.ts";

/** Turns of the event loop in which operations that were under way when a link ended come to their end. */
const TURNS_TO_SETTLE = 8;

/** This evaluator's shares of readings as they were received, one component after the other. */
export function readingRowsOf(
  { field, primitives }: Pick<EngineTools, "field" | "primitives">,
  setting: Setting,
  party: number,
  count: number,
  { width }: ReadingLayout,
): ReceivedRows[] {
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

/**
 * Checks readings: positions of those that are rejected. Throws ChannelError when another evaluator fails, AbortError
 * when one is found to lie; the links are closed then.
 */
export async function checkReadings(
  tools: EngineTools,
  parties: SessionParties,
  { setting, layout, count, rows, trades, orders, orderOf }: ReadingsToCheck,
): Promise<number[]> {
  const { peers } = parties;
  try {
    const { engine, dealer } = await startEngine(tools, { setting, dealing: null }, parties);
    assert(dealer === null, "a market with settlement has no dealer");
    const points = activePoints(setting, parties);
    const check =
      points === null ? replicatedCheck(tools.field, peers) : shamirCheck(engine, peers, points);
    const received = sharedRows(tools.field, rows, count, layout, check);
    const folded = await foldReadings(engine, tools.primitives, layout, received);
    const [net] = secretsIn(tools.field, setting, trades, orders);
    const nothing = engine.constant([0]);
    const extended = net === undefined ? nothing : engine.concat([net, nothing]);
    const balanced = await balanceReadings(engine, folded, engine.gather(extended, orderOf));
    // Nobody goes on before all have verified what was opened.
    await engine.checkpoint();
    return balanced.rejected.flatMap((reason, position) => (reason === null ? [] : [position]));
  } catch (error) {
    // Whatever is still under way ends with the links, before its memory is given to somebody else.
    for (const link of peers.links as readonly (Link | null)[]) link?.close();
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await nextTurn();
    throw error;
  } finally {
    tools.field.memory.reset();
  }
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
