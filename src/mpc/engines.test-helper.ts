// The engines that run the same protocol tests: plain, and several parties' over in-memory
// links. Values go in as random sharings, not as constants, so that no share is trivially zero.
import type { ClientDealing } from "../client/dealer-orders.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Field } from "../field/field.ts";
import { Fields } from "../field/fields.test-helper.ts";
import type { Vector } from "../field/memory.ts";
import { mod } from "../field/reference.ts";
import { assert } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import { combineReplicated } from "../sharing/replicated.ts";
import { combineShamir } from "../sharing/shamir.ts";
import { ComparisonPool } from "./comparison.ts";
import { startDealerEngines } from "./dealer-parties.test-helper.ts";
import type { Engine } from "./engine.ts";
import type { Peers } from "./network.ts";
import { closePeers, type FrameWatch, meshedPeers } from "./parties.test-helper.ts";
import { PlainEngine } from "./plain-engine.ts";
import { ReplicatedEngine } from "./replicated-engine.ts";
import { ShamirEngine } from "./shamir-engine.ts";
import { Partial, Secret } from "./shared.ts";

/** How the engines of one computation start, and how their output shares are put together. */
interface EngineTable {
  readonly parties: number;
  start(peers: readonly Peers[], fields: Fields): Promise<StartedEngines>;
}

interface StartedEngines {
  readonly engines: readonly Engine[];
  combine(field: Field, shares: readonly Uint8Array[]): Vector | Promise<Vector>;
  close(): void;
}

/** Engines that need nothing but each other. */
function among(
  parties: number,
  start: (peers: Peers, field: Field) => Promise<Engine>,
  combine: StartedEngines["combine"],
): EngineTable {
  return {
    parties,
    async start(peers, fields) {
      const engines = await Promise.all(peers.map((own) => start(own, fields.take())));
      return { engines, combine, close: () => {} };
    },
  };
}

const plain = among(
  1,
  async (_, field) => new PlainEngine(field, nodePrimitives),
  (field, [share]) => {
    const result = field.alloc(share!.length / 8);
    field.setBytes(result, share!);
    return result;
  },
);

const replicated = among(
  3,
  (peers, field) => ReplicatedEngine.start(field, peers, nodePrimitives, nextTurn),
  combineReplicated,
);

/** The evaluators at the given points, 2t + 1 of them. */
function shamirAt(points: readonly number[]): EngineTable {
  const threshold = (points.length - 1) / 2;
  return among(
    points.length,
    (peers, field) =>
      ShamirEngine.start(field, peers, { points, threshold }, nodePrimitives, nextTurn),
    (field, shares) => combineShamir(field, points, threshold, shares),
  );
}

/** Evaluators with a dealer, which tells the masks of their outputs. */
const dealerFor = (parties: number): EngineTable => ({
  parties,
  async start(peers, fields) {
    const { engines, client, close } = await startDealerEngines(peers, undefined, fields);
    return { engines, combine: (field, shares) => resultOf(field, client, shares), close };
  },
});

async function resultOf(
  field: Field,
  client: ClientDealing,
  shares: readonly Uint8Array[],
): Promise<Vector> {
  const told = await client.result(shares);
  const result = field.alloc(told.length);
  field.setBytes(result, told.memory.bytes(told));
  return result;
}

const TABLE = {
  plain,
  replicated,
  "shamir-3": shamirAt([1, 2, 3]),
  "shamir-5": shamirAt([1, 2, 3, 4, 5]),
  "shamir-7": shamirAt([1, 2, 3, 4, 5, 6, 7]),
  /** Evaluators 0, 2 and 4 of five, of which any one may be curious. */
  "shamir-3-of-5": shamirAt([1, 3, 5]),
  "dealer-2": dealerFor(2),
  "dealer-3": dealerFor(3),
};

export type EngineKind = keyof typeof TABLE;
export const ENGINE_KINDS: readonly EngineKind[] = [
  "plain",
  "replicated",
  "shamir-3",
  "shamir-5",
  "dealer-2",
  "dealer-3",
];

export type Program<T> = (engine: Engine, party: number) => Promise<T>;

/** All parties of one computation; programs run on them one after the other. */
export class Parties {
  readonly engines: readonly Engine[];
  readonly close: () => void;
  private readonly started: StartedEngines;
  /** Whether a program went wrong, so that others may still be running. */
  private failed = false;

  private constructor(started: StartedEngines, close: (failed: boolean) => void) {
    this.started = started;
    this.engines = started.engines;
    this.close = () => close(this.failed);
  }

  static async start(kind: EngineKind, onFrame?: FrameWatch): Promise<Parties> {
    const table: EngineTable = TABLE[kind];
    const peers = meshedPeers(table.parties, onFrame);
    const fields = new Fields();
    const started = await table.start(peers, fields);
    return new Parties(started, (failed) => {
      closePeers(peers);
      started.close();
      // What a watch changes may end a program that others do not wait for.
      if (!failed && onFrame === undefined) fields.giveBack();
    });
  }

  /** Runs `program` at every party and returns all results. */
  async run<T>(program: Program<T>): Promise<T[]> {
    try {
      return await Promise.all(this.engines.map(program));
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  /** What a secret is, from the output shares of all parties. */
  async combined(shares: readonly Uint8Array[]): Promise<number[]> {
    const fields = new Fields();
    const field = fields.take();
    const values = [...field.toNumbers(await this.started.combine(field, shares))];
    fields.giveBack();
    return values;
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
    const fields = new Fields();
    const field = fields.take();
    const values: bigint[][] = [];
    // One after the other: a dealer's masks are used in the order of the outputs.
    for (const [index, { secret }] of results[0]!.entries()) {
      const shares = results.map((of) => of[index]!.bytes);
      if (secret) {
        values.push(bigintsOf(field.toBytes(await this.started.combine(field, shares))));
        continue;
      }
      for (const share of shares) {
        assert(Buffer.compare(share, shares[0]!) === 0, "all parties open the same value");
      }
      values.push(bigintsOf(shares[0]!));
    }
    fields.giveBack();
    return values;
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
