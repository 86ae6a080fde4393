// Malicious security: whatever is done with products, honest parties verify; whatever one message says that it
// should not, nothing is opened after it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { mod, P } from "../field/reference.ts";
import { nextTurn } from "../platform/turn.ts";
import { AbortError } from "./abort.ts";
import type { Engine } from "./engine.ts";
import { bigintsOf, publicVector, shareOf, ungatedPool } from "./engines.test-helper.ts";
import { kindOf, type MessageKind } from "./network.ts";
import { closePeers, type FrameWatch, meshedPeers } from "./parties.test-helper.ts";
import { PlainEngine } from "./plain-engine.ts";
import { ReplicatedEngine } from "./replicated-engine.ts";
import type { Partial, Secret } from "./shared.ts";
import { VerifiedEngine } from "./verified-engine.ts";

type Program = (engine: Engine) => Promise<bigint[]>;

/** Runs a program at three verified parties; a party that fails closes its links. */
async function atParties(
  program: Program,
  onFrame?: FrameWatch,
): Promise<PromiseSettledResult<bigint[]>[]> {
  const peers = meshedPeers(3, onFrame);
  try {
    return await Promise.allSettled(
      peers.map(async (own) => {
        try {
          const inner = await ReplicatedEngine.start(new Field(), own, nodePrimitives, nextTurn);
          return await program(new VerifiedEngine(inner, nodePrimitives));
        } catch (error) {
          closePeers([own]);
          throw error;
        }
      }),
    );
  } finally {
    closePeers(peers);
  }
}

async function honest(program: Program): Promise<bigint[]> {
  const results = await atParties(program);
  const values = results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  for (const value of values) expect(value).toEqual(values[0]);
  return values[0]!;
}

const inClear = (program: Program) => program(new PlainEngine(new Field(), nodePrimitives));
const opened = async (engine: Engine, value: Secret | Partial) =>
  bigintsOf(engine.field.toBytes(await engine.openVerified(value)));

/** One linear step on a Partial, by number; the length may change. */
const STEPS: readonly ((e: Engine, p: Partial, x: Secret) => Partial)[] = [
  (e, p) => e.add(p, p),
  (e, p) => e.add(p, e.sum(p)),
  (e, p) => e.sub(e.scale(p, 5), e.prefixSums(p)),
  (e, p) => e.sub(p, e.slice(p, 0, 1)),
  (e, p) => e.addNumber(e.scale(p, -3), 17),
  (e, p) =>
    e.mulPublic(
      p,
      publicVector(
        e.field,
        Array.from({ length: p.length }, (_, i) => i - 4),
      ),
    ),
  (e, p) => e.prefixSums(p),
  (e, p) => e.blockSums(p, 3),
  (e, p) => e.concat([e.slice(p, 0, 1), p, e.sum(p)]),
  (e, p) => e.slice(p, Math.floor(p.length / 3), p.length),
  (e, p) =>
    e.gather(
      p,
      Uint32Array.from({ length: p.length + 2 }, (_, i) => (i * i) % p.length),
    ),
  (e, p) =>
    e.scatter(
      p,
      Uint32Array.from({ length: p.length }, (_, i) => p.length - 1 - i),
    ),
  (e, p) => e.tile(p, 2),
  (e, p, x) => e.add(p, e.partialProducts([[e.tile(x, p.length), e.tile(x, p.length)]])),
  (e, p, x) => e.add(p, e.partialDots([[x, x]])),
  (e, p, x) => e.sub(p, e.partial(x)),
];

describe("honest parties", () => {
  const operations = fc.array(fc.integer({ min: 0, max: STEPS.length - 1 }), { maxLength: 8 });
  const elements = fc.array(fc.bigInt({ min: 0n, max: P - 1n }), { minLength: 1, maxLength: 12 });

  it("verify any sequence of operations between two products, with the plain engine's result", async () => {
    const property = fc.asyncProperty(elements, operations, async (values, steps) => {
      const program: Program = async (e) => {
        const x = await shareOf(e, values);
        const scalar = await shareOf(e, [values[0]!]);
        let p = e.partialProducts([
          [x, x],
          [x, scalar],
        ]);
        for (const step of steps) if (p.length < 500) p = STEPS[step]!(e, p, scalar);
        const shared = await e.reshare(p);
        const product = await e.mulSum([[shared, shared]], p);
        const masked = await e.open(e.add(p, e.partialProducts([[shared, scalar]])));
        e.assertZero(e.sub(product, product));
        e.assertZero(
          e.sub(
            e.partial(e.fromPublic(masked)),
            e.partialProducts([[shared, e.addNumber(scalar, 1)]]),
          ),
        );
        return [...(await opened(e, product)), ...(await opened(e, e.partialDots([[x, x]])))];
      };
      expect(await honest(program)).toEqual(await inClear(program));
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it.each([1, 8, 9, 64, 5_000, 40_000, 100_003])("verify %i products at once", async (count) => {
    const program: Program = async (e) => {
      const x = await shareOf(
        e,
        Array.from({ length: count }, (_, i) => i),
      );
      const [y, z] = [e.addNumber(x, 1), e.scale(x, 3)];
      const a = await e.mulSum([[x, y]]);
      const b = await e.mulSum([[x, z]], e.partialProducts([[y, e.slice(y, 0, 1)]]));
      return opened(e, e.add(e.sum(a), e.sum(b)));
    };
    const sum = Array.from({ length: count }, (_, i) => BigInt(i)).reduce(
      (total, i) => total + i * (i + 1n) + 3n * i * i + (i + 1n),
      0n,
    );
    expect(await honest(program)).toEqual([mod(sum)]);
  });

  it("a claim of zero that is false ends the session", async () => {
    const results = await atParties(async (e) => {
      e.assertZero(await shareOf(e, [0, 0, 1, 0]));
      return opened(e, await shareOf(e, [5]));
    });
    for (const { status } of results) expect(status).toBe("rejected");
    expect(results.some((r) => r.status === "rejected" && r.reason instanceof AbortError)).toBe(
      true,
    );
  });
});

describe("one lying party", () => {
  /** Products, a comparison, masked openings, random bits, two verifications. */
  const program: Program = async (e) => {
    const x = await shareOf(e, [3, -5, 7, 100]);
    const pool = await ungatedPool(e, 4);
    const signs = await e.reshare(await pool.negative(e, e.partial(x)));
    const first = await opened(e, e.sum(signs));
    const kept = await e.mulSum([[signs, x]]);
    return [...first, ...(await opened(e, kept))];
  };
  const truth = [1n, 0n, P - 5n, 0n, 0n];

  /** The frames one party sends, by kind and number, each changed in turn in a run of its own. */
  async function liesOf(kind: MessageKind): Promise<number> {
    let lies = 0;
    for (let index = 0; ; index++) {
      let seen = 0;
      let lied: number | null = null;
      const revealedAfter: number[] = [];
      const results = await atParties(program, ({ from, tag, payload }) => {
        if (from === 1 && kindOf(tag) === kind && seen++ === index) {
          lied = tag;
          payload[(payload.length >> 4) << 3]! ^= 1;
          return payload;
        }
        // Whom nobody lied to about the very last coin before an opening takes part in that opening, and no more:
        // everybody has said by then that all products were right.
        const operationsAfter = lied === null ? 0 : (tag >> 3) - (lied >> 3);
        if (from !== 1 && kindOf(tag) === "reveal" && operationsAfter > 1) revealedAfter.push(tag);
        return undefined;
      });
      if (lied === null) return lies;
      lies += 1;
      const accepted = results.filter(({ status }) => status === "fulfilled");
      for (const result of [results[0]!, results[2]!]) {
        if (result.status === "fulfilled") expect(result.value).toEqual(truth);
      }
      expect(accepted.length, `${kind} ${index}`).toBeLessThan(3);
      expect(revealedAfter, `${kind} ${index}`).toEqual([]);
    }
  }

  it("is honest otherwise: the result is right", async () => {
    expect(await honest(program)).toEqual(truth);
  });

  it.each<MessageKind>(["multiplication", "opening", "reveal", "coin", "verification"])(
    "about a %s: no wrong value is accepted, and none opened after it",
    async (kind) => {
      expect(await liesOf(kind)).toBeGreaterThan(3);
    },
  );
});
