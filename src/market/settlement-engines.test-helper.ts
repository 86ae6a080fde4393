// The engines that settlement is tested on, and readings as their evaluators hold them.
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Engine, VerifiableEngine } from "../mpc/engine.ts";
import { type EngineKind, shareOf } from "../mpc/engines.test-helper.ts";
import type { Secret } from "../mpc/shared.ts";
import { VerifiedEngine } from "../mpc/verified-engine.ts";
import type { ReadingLayout } from "./reading.ts";
import { balanceReadings, foldReadings, type ReadingIntake } from "./reading-intake.ts";
import type { ReceivedShares } from "./row-intake.ts";

/** Name, kind, and whether lies of evaluators are noticed. */
export const SETTLEMENT_ENGINES: readonly (readonly [string, EngineKind, boolean])[] = [
  ["plain", "plain", false],
  ["replicated", "replicated", false],
  ["replicated, malicious", "replicated", true],
  ["shamir, 3 of 5", "shamir-3-of-5", false],
  ["shamir 5, malicious", "shamir-5", true],
  ["dealer 2", "dealer-2", false],
];

export const over = (inner: Engine, malicious: boolean): Engine =>
  malicious ? new VerifiedEngine(inner as VerifiableEngine, nodePrimitives) : inner;

/** Rows of any elements, shared; those at `misfits` with shares that do not fit together. */
export async function receivedReadings(
  engine: Engine,
  { bits }: ReadingLayout,
  rows: readonly ArrayLike<number>[],
  misfits: readonly number[] = [],
): Promise<ReceivedShares> {
  const columns: Secret[] = [];
  for (let j = 0; j < bits; j++) {
    const column = rows.map((row) => row[j]!);
    columns.push(await shareOf(engine, column));
  }
  return {
    count: rows.length,
    columns: async () => columns,
    misfits: async (from, to) =>
      Uint8Array.from({ length: to - from }, (_, i) => (misfits.includes(from + i) ? 1 : 0)),
    holders: () => "nobody",
    free: () => {},
  };
}

/** Both halves of the check, one after the other. */
export async function takeReadings(
  engine: Engine,
  layout: ReadingLayout,
  received: ReceivedShares,
  netUnits: Secret,
): Promise<ReadingIntake> {
  const folded = await foldReadings(engine, nodePrimitives, layout, received);
  return balanceReadings(engine, folded, netUnits);
}
