// From shared rows of bits to readings that count (docs/PROTOCOL.md, "Settlement"). A reading is checked against what
// its meter traded, on shares: imported - exported - bought + sold = shortage - surplus, and shortage times surplus
// is 0. That alone would not do: with a surplus below 0 a household could pay the feed-in tariff for what it is short
// of. Both are shared as bits, so neither can be below 0. All but the comparison with the trade is done as readings
// arrive.
import type { Engine } from "../mpc/engine.ts";
import type { Secret } from "../mpc/shared.ts";
import type { Primitives } from "../platform/primitives.ts";
import { UNITS_PER_WH } from "./order.ts";
import { type ReadingLayout, readingFields } from "./reading.ts";
import {
  numberOf,
  type ReceivedShares,
  type Rejection,
  takeRows,
  WholeColumns,
} from "./row-intake.ts";

/** Readings on shares, one element per reading in each vector; all 0 for rejected ones. */
export interface SecretReadings {
  /** Wh. */
  readonly imported: Secret;
  readonly exported: Secret;
  /** Units of 2^-10 Wh. */
  readonly shortage: Secret;
  readonly surplus: Secret;
}

export interface ReadingIntake {
  readonly readings: SecretReadings;
  /** Per reading: null, or why it was rejected. The same at every evaluator. */
  readonly rejected: readonly (Rejection<"reading"> | null)[];
}

/** Readings that are well-formed, not yet compared with trades. */
export interface FoldedReadings extends ReadingIntake {
  /** One random number per reading that nobody knows, for the comparison. */
  readonly masks: Secret;
}

/** The work that needs no trade: bits, shortage times surplus. See `takeRows` for what is opened, and the rounds. */
export async function foldReadings(
  engine: Engine,
  primitives: Primitives,
  layout: ReadingLayout,
  received: ReceivedShares,
): Promise<FoldedReadings> {
  const fields = readingFields(layout);
  const kind = {
    name: "reading" as const,
    width: layout.width,
    fold(columns: readonly Secret[]) {
      const number = (range: readonly [number, number]) =>
        numberOf(engine, columns.slice(...range));
      const kept: SecretReadings = {
        imported: number(fields.imported),
        exported: number(fields.exported),
        shortage: number(fields.shortage),
        surplus: number(fields.surplus),
      };
      const claims = [engine.partialProducts([[kept.shortage, kept.surplus]])];
      return { claims, kept, spent: columns };
    },
  };
  const taken = await takeRows(engine, primitives, kind, received);
  const whole = new WholeColumns(engine, taken);
  const readings = columnsOf((name) => whole.of((piece) => piece[name]));
  whole.free();
  const masks = await engine.random(received.count);
  await engine.stockMasks(received.count);
  return { readings, rejected: taken.rejected, masks };
}

/**
 * Compares readings with `netUnits`, per reading what its meter bought less what it sold. Opens one number per
 * reading: 0 if it fits, else uniform. Rounds: 1; with malicious security 2 and a verification. Uses `folded` up.
 */
export async function balanceReadings(
  engine: Engine,
  folded: FoldedReadings,
  netUnits: Secret,
): Promise<ReadingIntake> {
  const { readings, rejected, masks } = folded;
  // Of readings that are rejected already not even whether their meter traded may show.
  const difference = only(engine, imbalance(engine, readings, netUnits), rejected);
  const masked = engine.partialProducts([[difference, masks]]);
  // 0 for every reading that fits. Else it is the difference times a random number, which tells that it is not 0: what
  // a household is short of stays its own even if its meter has made a mistake.
  const opened = await engine.openVerified(masked);
  engine.free(masked, difference, masks);
  const broken = engine.field.nonZero(opened);
  engine.field.free(opened);
  if (!broken.includes(1)) return { readings, rejected };
  const after = rejected.map((reason, i) =>
    reason === null && broken[i] !== 0 ? ("invalid-reading" as const) : reason,
  );
  return { readings: columnsOf((name) => only(engine, readings[name], after)), rejected: after };
}

const columnsOf = (column: (name: keyof SecretReadings) => Secret): SecretReadings => ({
  imported: column("imported"),
  exported: column("exported"),
  shortage: column("shortage"),
  surplus: column("surplus"),
});

/** The value with 0 where a reading is rejected; uses `value` up. */
function only(engine: Engine, value: Secret, rejected: ReadingIntake["rejected"]): Secret {
  if (rejected.every((reason) => reason === null)) return value;
  const accepted = engine.field.alloc(rejected.length);
  engine.field.setNumbers(
    accepted,
    Uint8Array.from(rejected, (reason) => (reason === null ? 1 : 0)),
  );
  const kept = engine.mulPublic(value, accepted);
  engine.field.free(accepted);
  engine.free(value);
  return kept;
}

/** imported - exported - net - shortage + surplus, in units of 2^-10 Wh. */
function imbalance(engine: Engine, readings: SecretReadings, net: Secret): Secret {
  const { imported, exported, shortage, surplus } = readings;
  const wh = engine.sub(imported, exported);
  const metered = engine.scale(wh, UNITS_PER_WH);
  const difference = engine.signedSum(
    [
      { value: metered, positive: true },
      { value: net, positive: false },
      { value: shortage, positive: false },
      { value: surplus, positive: true },
    ],
    0,
  );
  engine.free(wh, metered);
  return difference;
}
