// The moves of a month: sums of masked amounts come to be hidden under the masks of those who may learn them, what was
// left open of earlier months included.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { MODULUS_BITS } from "../field/prime.ts";
import { expandMask } from "../sharing/masks.ts";
import { COMPONENTS_PER_METER, MOVES_PER_METER } from "../wire/dealer-messages.ts";
import type { MonthNames } from "../wire/month-names.ts";
import { KEPT, MaskKeys } from "./mask-keys.ts";
import { monthMoves } from "./month-moves.ts";

const [FROM, PERIOD_S, BEFORE] = [1_800_000_000, 900, 1_797_000_000];
const SUPPLIERS = 3;
const PRIME = 2n ** BigInt(MODULUS_BITS) - 1n;
const field = new Field();
const keys = new MaskKeys(randomBytes(32), "test");
const [session, sessionBefore] = ["0a".repeat(16), "0b".repeat(16)];

const inField = (value: bigint): bigint => ((value % PRIME) + PRIME) % PRIME;
const elementsOf = (bytes: Uint8Array): bigint[] => [
  ...new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8),
];

function maskOf(seed: Uint8Array, length: number): bigint[] {
  const mask = field.alloc(length);
  expandMask(field, nodePrimitives, seed, mask);
  const bytes = field.toBytes(mask);
  field.free(mask);
  return elementsOf(bytes);
}

const anyMonth = fc.record({
  suppliers: fc.array(fc.nat(SUPPLIERS - 1), { minLength: 1, maxLength: 6 }),
  periods: fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { maxLength: 4 }),
  told: fc.subarray([0, 1, 2]),
  open: fc.option(fc.subarray([0, 1, 2])),
  amount: fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }),
});

it("turn what evaluators have into what each party can unmask", () => {
  fc.assert(
    fc.property(anyMonth, ({ suppliers, periods, told, open, amount }) => {
      const meters = suppliers.map((supplier, i) => ({ meter: `0${i}`.repeat(16), supplier }));
      const places = [...meters.keys()];
      const settlements = periods.map((covers, t) => ({
        start: FROM + t * PERIOD_S,
        attempt: 1 + t,
        session: `${10 + t}`.repeat(16),
        covered: Uint32Array.from(places.filter((place) => covers[place])),
      }));
      const month: MonthNames = { meters, settlements };
      const closing = { kind: "month", periodStart: FROM, attempt: 7, session } as const;
      const before = { periodStart: BEFORE, attempt: 3, session: sessionBefore };
      const request = {
        type: "closing",
        periodStart: FROM,
        attempt: 7,
        meters: meters.length,
        settlements: settlements.length,
        digest: "00".repeat(32),
        suppliers: told,
        ...(open === null ? {} : { before: { ...before, open } }),
      } as const;

      // What is to be told, and what evaluators have of it: sums of values minus masks.
      const value = (place: number, c: number, t: number) =>
        amount * BigInt(1 + place + 7 * c + 50 * t);
      const due = places.map(() => new Array<bigint>(COMPONENTS_PER_METER).fill(0n));
      const held = places.map(() => new Array<bigint>(COMPONENTS_PER_METER).fill(0n));
      settlements.forEach(({ start, covered, ...one }, t) => {
        const name = { kind: "reading", periodStart: start, ...one, party: KEPT.amounts } as const;
        const masks = maskOf(keys.result(name), COMPONENTS_PER_METER * covered.length);
        covered.forEach((place, i) => {
          for (let c = 0; c < COMPONENTS_PER_METER; c++) {
            due[place]![c]! += value(place, c, t);
            held[place]![c]! += value(place, c, t) - masks[c * covered.length + i]!;
          }
        });
      });
      const total = (of: readonly bigint[]) => of.reduce((a, b) => a + b, 0n);
      const positionOf = (of: readonly bigint[][], k: number) =>
        total(places.flatMap((place) => (suppliers[place] === k ? [of[place]![0]!] : [])));
      const isOpen = (k: number) => open?.includes(k) === true;
      const openMask = (k: number) =>
        maskOf(keys.result({ kind: "month", ...before, party: KEPT.position(k) }), 1)[0]!;
      const ownPosition = [0, 1, 2].map(
        (k) => positionOf(held, k) + (isOpen(k) ? 99n - openMask(k) : 0n),
      );
      const sums = [
        ...places.flatMap((place) => [...held[place]!, total(held[place]!)]),
        ...ownPosition,
      ];

      const tools = { field, primitives: nodePrimitives };
      const moves = elementsOf(monthMoves(tools, keys, request, month, SUPPLIERS, session));
      expect(moves).toHaveLength(sums.length);
      const moved = sums.map((sum, i) => inField(sum + moves[i]!));
      for (const place of places) {
        const mask = maskOf(
          keys.result({ ...closing, party: `meter-${meters[place]!.meter}` }),
          COMPONENTS_PER_METER,
        );
        const at = place * MOVES_PER_METER;
        expect(mask.map((one, c) => inField(moved[at + c]! + one))).toEqual(
          due[place]!.map(inField),
        );
      }
      for (let k = 0; k < SUPPLIERS; k++) {
        const own = places.filter((place) => suppliers[place] === k);
        const mask = maskOf(keys.result({ ...closing, party: `supplier-${k}` }), 1 + own.length);
        own.forEach((place, i) => {
          const at = place * MOVES_PER_METER + COMPONENTS_PER_METER;
          expect(inField(moved[at]! + mask[1 + i]!)).toBe(inField(total(due[place]!)));
        });
        const position = inField(positionOf(due, k) + (isOpen(k) ? 99n : 0n));
        const [kept] = maskOf(keys.result({ ...closing, party: KEPT.position(k) }), 1);
        const right = told.includes(k) ? mask[0]! : kept!;
        expect(inField(moved[meters.length * MOVES_PER_METER + k]! + right)).toBe(position);
      }
    }),
    { numRuns: 50 },
  );
});
