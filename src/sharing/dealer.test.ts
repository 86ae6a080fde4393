// What is dealt: shares that evaluators expand from their seeds, with the dealer's corrections, are what each kind of
// material promises, authenticated under one key; and nobody gets the same twice.
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { mod, reference } from "../field/reference.ts";
import {
  correct,
  correctionsLength,
  Dealing,
  type Dealt,
  type MaterialKind,
  SCALING_BLOCK,
  SeedStreams,
  type ShuffleRequest,
} from "./dealer.ts";

const field = new Field();
const elementsOf = (v: Vector) => [...new BigUint64Array(field.toBytes(v).buffer)];
const KINDS = ["triples", "scalings", "random", "bits", "inputs", "outputs"] as const;

/** A dealer and the evaluators of a session. */
class Session {
  readonly dealing: Dealing;
  readonly evaluators: readonly SeedStreams[];
  readonly delta: bigint;

  constructor(count: number) {
    const seeds = Array.from({ length: count }, () => nodePrimitives.randomBytes(16));
    this.dealing = new Dealing(field, nodePrimitives, seeds);
    this.evaluators = seeds.map((seed) => new SeedStreams(field, nodePrimitives, seed));
    this.delta = mod(this.evaluators.reduce((sum, { delta }) => sum + elementsOf(delta)[0]!, 0n));
  }

  /** The values of the parts; expects their codes to be right. */
  material(kind: MaterialKind, count: number): bigint[][] {
    const shares = this.evaluators.map((own) => own.material(kind, count));
    correct(field, kind, shares[0]!, this.dealing.corrections(kind, count));
    return this.opened(shares);
  }

  shuffled(request: ShuffleRequest, indices: Uint32Array): bigint[][] {
    const shares = this.evaluators.map((own) => own.shuffle(request.columns * request.length));
    correct(field, "shuffle", shares[0]!, this.dealing.shuffleCorrections(request, indices));
    return this.opened(shares);
  }

  private opened(shares: readonly (readonly Dealt[])[]): bigint[][] {
    return shares[0]!.map((_, part) => {
      const sum = (of: "values" | "codes") =>
        shares.map((own) => elementsOf(own[part]![of])).reduce((a, b) => reference.add(a, b));
      const values = sum("values");
      expect(sum("codes").join() === values.map((v) => mod(v * this.delta)).join()).toBe(true);
      return values;
    });
  }
}

beforeEach(() => field.memory.reset());

describe.each([2, 3, 5])("for %i evaluators", (count) => {
  it("triples are products", () => {
    const session = new Session(count);
    for (const length of [1, 100, 8192]) {
      const [a, b, c] = session.material("triples", length);
      expect(reference.mul(a!, b!).join() === c!.join()).toBe(true);
      expect(new Set([...a!, ...b!]).size).toBe(2 * length);
    }
  });

  it("scalings are products with one factor for each block", () => {
    const [a, b, c] = new Session(count).material("scalings", 4 * SCALING_BLOCK);
    expect(b).toHaveLength(4);
    const factors = a!.map((_, i) => b![Math.floor(i / SCALING_BLOCK)]!);
    expect(reference.mul(a!, factors).join() === c!.join()).toBe(true);
  });

  it("bits are bits, and balanced", () => {
    const [bits] = new Session(count).material("bits", 8192);
    const ones = bits!.filter((bit) => bit === 1n).length;
    expect(bits!.every((bit) => bit <= 1n)).toBe(true);
    expect(Math.abs(ones - 4096)).toBeLessThan(300);
  });

  it("masks are what the dealer tells those who may know them, at their own pace", () => {
    const session = new Session(count);
    for (const kind of ["inputs", "outputs"] as const) {
      const dealt = [100, 1, 300].flatMap((length) => session.material(kind, length)[0]!);
      const told = [7, 394].flatMap((length) => elementsOf(session.dealing.masks(kind, length)));
      expect(told).toEqual(dealt);
    }
  });

  it("columns of a shuffle are moved, and back", () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 20 }).chain((length) =>
        fc.shuffledSubarray(
          Array.from({ length }, (_, i) => i),
          { minLength: length, maxLength: length },
        ),
      ),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (order, columns, back) => {
        const request = { pass: 0, draw: 0, columns, length: order.length, back };
        const session = new Session(count);
        const [before, after] = session.shuffled(request, Uint32Array.from(order));
        for (let k = 0; k < columns; k++) {
          const column = (of: bigint[]) => of.slice(k * order.length, (k + 1) * order.length);
          const [from, to] = back ? [after!, before!] : [before!, after!];
          expect(column(to)).toEqual(reference.gather(column(from), order));
        }
      },
    );
    fc.assert(property, { numRuns: 40 });
  });

  it("a permutation's coin is known to its evaluator, and new at every draw", () => {
    const { dealing, evaluators } = new Session(count);
    const coins = evaluators.flatMap((own, pass) =>
      [0, 1].map((draw) => {
        const coin = own.permutationCoin(draw);
        expect(dealing.permutationCoin(pass, draw)).toEqual(coin);
        return coin.join();
      }),
    );
    expect(new Set(coins).size).toBe(2 * count);
    expect(dealing.permutationCoin(count, 0)).toBeNull();
  });
});

it("nothing is dealt twice: no share and no correction repeats, within a session or in another", () => {
  const seen: bigint[] = [];
  for (const session of [new Session(2), new Session(2)]) {
    for (let turn = 0; turn < 2; turn++) {
      for (const kind of KINDS) {
        const corrections = session.dealing.corrections(kind, SCALING_BLOCK);
        expect(corrections.length).toBe(correctionsLength(kind, SCALING_BLOCK));
        seen.push(...elementsOf(corrections));
        for (const own of session.evaluators) {
          for (const { values, codes } of own.material(kind, SCALING_BLOCK)) {
            seen.push(...elementsOf(values), ...elementsOf(codes));
          }
        }
      }
    }
  }
  expect(new Set(seen).size).toBe(seen.length);
});

it("a dealer gives its memory back", () => {
  const before = field.memory.usedBytes;
  const seeds = [0, 1].map(() => nodePrimitives.randomBytes(16));
  const dealing = new Dealing(field, nodePrimitives, seeds);
  for (const kind of KINDS) field.free(dealing.corrections(kind, SCALING_BLOCK));
  const request = { pass: 1, draw: 0, columns: 2, length: 3, back: false };
  field.free(dealing.shuffleCorrections(request, Uint32Array.of(2, 0, 1)));
  field.free(dealing.masks("inputs", 10));
  dealing.end();
  expect(field.memory.usedBytes).toBe(before);
});
