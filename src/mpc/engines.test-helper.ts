// The engines that run the same protocol tests: plain, and three replicated ones over in-memory
// links. Values go in as random sharings, not as constants, so that no share is trivially zero.
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { mod } from "../field/reference.ts";
import { assert } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import { combineReplicated } from "../sharing/replicated.ts";
import { ComparisonPool } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import { closePeers, type FrameWatch, meshedPeers } from "./parties.test-helper.ts";
import { PlainEngine } from "./plain-engine.ts";
import { ReplicatedEngine } from "./replicated-engine.ts";
import { Partial, Secret } from "./shared.ts";

export type EngineKind = "plain" | "replicated";
export const ENGINE_KINDS: readonly EngineKind[] = ["plain", "replicated"];

export type Program<T> = (engine: Engine, party: number) => Promise<T>;

/** All parties of one computation; programs run on them one after the other. */
export class Parties {
  readonly engines: readonly Engine[];
  readonly close: () => void;

  private constructor(engines: readonly Engine[], close: () => void) {
    this.engines = engines;
    this.close = close;
  }

  static async start(kind: EngineKind, onFrame?: FrameWatch): Promise<Parties> {
    if (kind === "plain") {
      return new Parties([new PlainEngine(new Field(), nodePrimitives)], () => {});
    }
    const peers = meshedPeers(3, onFrame);
    const engines = await Promise.all(
      peers.map((own) => ReplicatedEngine.start(new Field(), own, nodePrimitives, nextTurn)),
    );
    return new Parties(engines, () => closePeers(peers));
  }

  /** Runs `program` at every party and returns all results. */
  run<T>(program: Program<T>): Promise<T[]> {
    return Promise.all(this.engines.map(program));
  }

  /** What `program` computes, revealed and opened; all parties must agree on it. */
  async reveal(program: Program<readonly (Secret | Partial | Vector)[]>): Promise<bigint[][]> {
    const results = await this.run(async (engine, party) => {
      const out: { readonly secret: boolean; readonly bytes: Uint8Array }[] = [];
      for (const value of await program(engine, party)) {
        if (value instanceof Secret) {
          const [bytes] = await engine.reveal([value]);
          out.push({ secret: true, bytes: bytes! });
        } else {
          const opened = value instanceof Partial ? await engine.open(value) : value;
          out.push({ secret: false, bytes: engine.field.toBytes(opened) });
        }
      }
      return out;
    });
    return results[0]!.map(({ secret }, index) => {
      const shares = results.map((of) => of[index]!.bytes);
      if (secret && shares.length === 3) {
        const field = new Field();
        return bigintsOf(field.toBytes(combineReplicated(field, shares)));
      }
      for (const share of shares) {
        assert(Buffer.compare(share, shares[0]!) === 0, "all parties open the same value");
      }
      return bigintsOf(shares[0]!);
    });
  }
}

/** Elements from their bytes. */
export function bigintsOf(bytes: Uint8Array): bigint[] {
  return [...new BigUint64Array(new Uint8Array(bytes).buffer)];
}

/** A public vector of any elements; numbers and negative ones are taken mod p. */
export function publicVector(field: Field, values: readonly (bigint | number)[]): Vector {
  const v = field.alloc(values.length);
  const elements = BigUint64Array.from(values, (x) => mod(BigInt(x)));
  field.setBytes(v, new Uint8Array(elements.buffer));
  return v;
}

/** `values` as a uniformly random sharing, the same at every party. Two rounds. */
export async function shareOf(
  engine: Engine,
  values: readonly (bigint | number)[],
): Promise<Secret> {
  const random = await engine.random(values.length);
  const opened = await engine.open(random);
  const wanted = publicVector(engine.field, values);
  engine.field.sub(wanted, wanted, opened);
  return engine.add(random, engine.fromPublic(wanted));
}

/** A pool for `count` comparisons without gates. */
export function ungatedPool(engine: Engine, count: number): Promise<ComparisonPool> {
  return ComparisonPool.prepare(engine, engine.constant(new Uint8Array(count).fill(1)));
}

/** Rounds and elements sent that `work` adds at one engine. */
export async function costOf(
  engine: Engine,
  work: () => Promise<unknown>,
): Promise<{ rounds: number; elements: number }> {
  const before = engine.stats;
  await work();
  const after = engine.stats;
  return {
    rounds: after.rounds - before.rounds,
    elements: after.elementsSent - before.elementsSent,
  };
}
