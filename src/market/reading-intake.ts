// From shared rows of bits to readings that count (docs/PROTOCOL.md, "Settlement"). A reading is checked against what its
// meter traded, on shares: imported - exported - bought + sold = shortage - surplus, and shortage times surplus is 0.
// That alone would not do: with a surplus below 0 a household could pay the feed-in tariff for what it is short of. Both
// are shared as bits, so neither can be below 0.
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

/**
 * Checks and folds readings. `netUnits` is per reading what its meter bought less what it sold. See `takeRows` for what
 * is opened, and the rounds.
 */
export async function takeReadings(
  engine: Engine,
  primitives: Primitives,
  layout: ReadingLayout,
  received: ReceivedShares,
  netUnits: Secret,
): Promise<ReadingIntake> {
  const fields = readingFields(layout);
  const kind = {
    name: "reading" as const,
    width: layout.width,
    fold(columns: readonly Secret[], from: number, to: number) {
      const number = (range: readonly [number, number]) =>
        numberOf(engine, columns.slice(...range));
      const kept: SecretReadings = {
        imported: number(fields.imported),
        exported: number(fields.exported),
        shortage: number(fields.shortage),
        surplus: number(fields.surplus),
      };
      const claims = [
        imbalance(engine, kept, engine.slice(netUnits, from, to)),
        engine.partialProducts([[kept.shortage, kept.surplus]]),
      ];
      return { claims, kept, spent: columns };
    },
  };
  const taken = await takeRows(engine, primitives, kind, received);
  const whole = new WholeColumns(engine, taken);
  const readings = {
    imported: whole.of((piece) => piece.imported),
    exported: whole.of((piece) => piece.exported),
    shortage: whole.of((piece) => piece.shortage),
    surplus: whole.of((piece) => piece.surplus),
  };
  whole.free();
  return { readings, rejected: taken.rejected };
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
