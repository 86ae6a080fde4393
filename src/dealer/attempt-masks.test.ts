// The masks of an attempt, one after the other in the order in which evaluators use them, in whatever pieces they are
// taken: what a clearing leaves for the settlement is hidden under the masks that the settlement takes in.
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { expandMask } from "../sharing/masks.ts";
import type { AttemptRequest } from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";
import { attemptMasks } from "./attempt-masks.ts";
import { KEPT, MaskKeys } from "./mask-keys.ts";

const START = 1_800_000_000;
const WIDTH = 5;
const PIECES = [1, 4, 3, 7];
const field = new Field();
const tools = { field, primitives: nodePrimitives };
const keys = new MaskKeys(randomBytes(32), "test");
const [cleared, settled] = ["0a".repeat(16), "0b".repeat(16)];
const meters = ["0a", "1b"].map((byte) => byte.repeat(16));
const nonces = meters.map(() => randomBytes(16));
const names = Uint8Array.from(
  meters.flatMap((meter, i) => [...Buffer.from(meter, "hex"), ...nonces[i]!]),
);
const common = { type: "attempt", periodStart: START, count: 2, digest: "00".repeat(32) } as const;

const bytesOf = (fill: (into: ReturnType<Field["alloc"]>) => void, length: number): string => {
  const mask = field.alloc(length);
  fill(mask);
  const bytes = field.toBytes(mask);
  field.free(mask);
  return toHex(bytes);
};
const expanded = (seed: Uint8Array, length: number): string =>
  bytesOf((into) => expandMask(field, nodePrimitives, seed, into), length);

/** The first elements of a stream, taken in pieces. */
const taken = (next: (into: ReturnType<Field["alloc"]>) => void, length: number): string => {
  let all = "";
  for (let i = 0; all.length < 16 * length; i++) {
    const left = length - all.length / 16;
    all += bytesOf(next, Math.min(PIECES[i % PIECES.length]!, left));
  }
  return all;
};

const masksOf = (request: AttemptRequest, session: string, keepsTrades: boolean) =>
  attemptMasks(tools, keys, request, names, { width: WIDTH, keepsTrades }, session);

const clearing: AttemptRequest = { ...common, kind: "order", attempt: 3, suppliers: [1] };
const ofClearing = { kind: "order", periodStart: START, attempt: 3, session: cleared } as const;
const rowsOf = (kind: "order" | "reading"): string =>
  meters
    .map((meter, i) => keys.row({ kind, periodStart: START, meter, nonce: toHex(nonces[i]!) }))
    .map((seed) => expanded(seed, WIDTH))
    .join("");

it.each([true, false])("of a clearing, with a settlement to come: %s", (keepsTrades) => {
  const { rows, results } = masksOf(clearing, cleared, keepsTrades);
  expect(taken(rows, 2 * WIDTH)).toBe(rowsOf("order"));
  const of = (party: string, length: number) =>
    expanded(keys.result({ ...ofClearing, party }), length);
  const told = [...meters.map((meter) => of(`meter-${meter}`, 1)), of("supplier-1", 2)].join("");
  const trades = keepsTrades ? of(KEPT.trades, 4) : "";
  expect(taken(results, keepsTrades ? 8 : 4)).toBe(trades + told);
});

it("of a settlement: readings and trades, then sums of suppliers and as many amounts as there are", () => {
  const trades = { attempt: 3, session: cleared, orders: 2 };
  const request: AttemptRequest = {
    ...common,
    kind: "reading",
    attempt: 1,
    suppliers: [0, 1],
    trades,
  };
  const { rows, results } = masksOf(request, settled, true);
  const kept = expanded(keys.result({ ...ofClearing, party: KEPT.trades }), 4);
  expect(taken(rows, 2 * WIDTH + 4)).toBe(rowsOf("reading") + kept);
  const name = { kind: "reading", periodStart: START, attempt: 1, session: settled } as const;
  const of = (party: string, length: number) => expanded(keys.result({ ...name, party }), length);
  const told = of("supplier-0", 3) + of("supplier-1", 3);
  expect(taken(results, 6 + 100)).toBe(told + of(KEPT.amounts, 100));
  const again = masksOf({ ...request, correction: true, attempt: 2 }, cleared, true);
  expect(taken(again.results, 6)).not.toBe(told);
});
