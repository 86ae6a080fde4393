// Shamir sharing among 2t + 1 parties, semi-honest, at most t of them curious: a secret is f(0) of a polynomial f of
// degree at most t, and each party holds f at its point. A product of two values lies on a polynomial of degree 2t,
// whose value at 0 is a weighted sum of all parties' products: each deals its summand anew, and the sum of what they
// deal is the product (Gennaro, Rabin, Rabin 1998). That costs each party t elements, one to each party before it.
import { receiveBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { Beacon } from "./beacon.ts";
import {
  copy,
  type Engine,
  type EngineStats,
  type Factors,
  type PassPermutation,
  type VerifiableEngine,
} from "./engine.ts";
import { LinearEngine } from "./linear-engine.ts";
import { type MessageKind, Network, type Peers } from "./network.ts";
import { permutationFrom } from "./permutation.ts";
import { bitsFromSquares } from "./random-bits.ts";
import { Schedule } from "./schedule.ts";
import { ShamirDealing } from "./shamir-dealing.ts";
import { ShamirPlan, type ShamirSetting } from "./shamir-plan.ts";
import { type SessionTools, ShamirRounds } from "./shamir-rounds.ts";
import { Partial, Secret } from "./shared.ts";

/** Elements worked on at once by local operations that read several long vectors. */
const CHUNK = ShamirDealing.maxLength;

const NO_TRANSCRIPT = new Uint8Array(0);

export class ShamirEngine extends LinearEngine implements VerifiableEngine {
  readonly name = "shamir";
  readonly security = "semi-honest";
  private readonly tools: SessionTools;
  private readonly rounds: ShamirRounds;
  private readonly beacon: Beacon;
  private readonly primitives: Primitives;

  private constructor(tools: SessionTools, beacon: Beacon, primitives: Primitives) {
    super(tools.field);
    this.tools = tools;
    this.rounds = new ShamirRounds(tools);
    this.beacon = beacon;
    this.primitives = primitives;
  }

  /**
   * Begins a session among exactly 2t + 1 parties: agrees on fresh pairwise keys, so that no randomness is used twice
   * whatever happened before. `yieldTurn` resolves after waiting input has been processed.
   */
  static async start(
    field: Field,
    peers: Peers,
    setting: ShamirSetting,
    primitives: Primitives,
    yieldTurn: () => Promise<void>,
  ): Promise<ShamirEngine> {
    const network = new Network(field, peers);
    const plan = new ShamirPlan(field, network, setting);
    const tag = network.takeTag("setup");
    const after = plan.after.map((party) => {
      const key = primitives.randomBytes(16);
      network.link(party).send(tag, key);
      return key;
    });
    const [beacon, ...before] = await Promise.all([
      Beacon.start(network, primitives),
      ...plan.before.map((party) => receiveBytes(network.link(party), tag, 16)),
    ]);
    const dealing = new ShamirDealing(field, primitives, plan, { after, before });
    const tools = { field, network, plan, dealing, schedule: new Schedule(), yieldTurn };
    return new ShamirEngine(tools, beacon, primitives);
  }

  get parties(): number {
    return this.tools.plan.parties;
  }

  /** One per group of t + 1 parties: whoever the t curious are, they miss the permutation of the others' group. */
  get shufflePasses(): number {
    return this.tools.plan.groups.length;
  }

  get stats(): EngineStats {
    const { schedule, network } = this.tools;
    return { rounds: schedule.rounds, elementsSent: network.elementsSent };
  }

  /** A constant is a polynomial of degree 0. */
  protected constantFactors(): readonly [1] {
    return [1];
  }

  partial(a: Secret): Partial {
    const copy = this.field.alloc(a.length);
    this.field.copy(copy, a.components[0]!);
    return new Partial([copy], true);
  }

  partialProducts(factors: Factors): Partial {
    const { length } = factors[0]![0];
    const z = this.field.alloc(length);
    for (let from = 0; from < length; from += CHUNK) {
      const to = Math.min(from + CHUNK, length);
      this.products(z.slice(from, to), factors, from, to);
    }
    return new Partial([z], true);
  }

  partialDots(factors: Factors): Partial {
    const z = this.field.alloc(factors.length);
    this.field.fill(z, 0);
    const part = this.field.alloc(1);
    const longest = Math.max(0, ...factors.map(([x]) => x.length));
    // Chunk by chunk over all pairs: a vector that several pairs share stays in the cache.
    for (let from = 0; from < longest; from += CHUNK) {
      factors.forEach(([x, y], index) => {
        const to = Math.min(from + CHUNK, x.length);
        if (from >= to) return;
        this.field.dot(part, x.components[0]!.slice(from, to), y.components[0]!.slice(from, to));
        const sum = z.slice(index, index + 1);
        this.field.add(sum, sum, part);
      });
    }
    this.field.free(part);
    return new Partial([z], true);
  }

  reshare(a: Partial): Promise<Secret> {
    return this.dealt(a, this.tools.plan.productWeight, "multiplication");
  }

  mulSum(factors: Factors, plus?: Secret | Partial): Promise<Secret> {
    const { length } = factors[0]![0];
    const weight = this.tools.plan.productWeight;
    const share = this.rounds.deal(length, weight, "multiplication", (z, from, to) => {
      this.products(z, factors, from, to);
      if (plus === undefined) return;
      const [added] = plus.components;
      this.field.add(z, z, added!.length === 1 ? added! : added!.slice(from, to));
    });
    return this.asSecret(share);
  }

  open(a: Secret | Partial): Promise<Vector> {
    return this.openAs(a, "opening");
  }

  openVerified(a: Secret | Partial): Promise<Vector> {
    return this.openAs(a, "reveal");
  }

  /** Every party hears the shares of all others: those of the honest fix the polynomial, no other one fits. */
  openChecked(a: Secret, kind: MessageKind): Promise<Vector> {
    return this.tools.schedule.asRound(this.rounds.openChecked(a.components[0]!, kind));
  }

  randomBits(count: number): Promise<Secret> {
    return this.randomBitsOver(this, count);
  }

  async randomBitsOver(over: Engine, count: number): Promise<Secret> {
    const random = await over.random(count);
    const bits = await bitsFromSquares(over, random);
    over.free(random);
    return bits;
  }

  /** Rounds: 1; t elements per t + 1 values. */
  random(count: number): Promise<Secret> {
    return this.asSecret(this.rounds.random(count));
  }

  coin(): Promise<Uint8Array> {
    return this.coinOver(NO_TRANSCRIPT);
  }

  coinOver(transcript: Uint8Array): Promise<Uint8Array> {
    return this.tools.schedule.asRound(this.beacon.toss(transcript));
  }

  stockMasks(count: number): Promise<void> {
    const { schedule, dealing } = this.tools;
    return schedule.inTurn(async () => dealing.stockMasks(count));
  }

  assertZero(): void {}

  async checkpoint(): Promise<void> {}

  /** The first party of the pass's group draws. */
  async drawPermutation(pass: number, length: number): Promise<PassPermutation> {
    const { network, plan, schedule } = this.tools;
    const tag = network.takeTag("shuffle");
    const [first, ...others] = plan.groups[pass]!;
    let seed: Uint8Array | null = null;
    if (first === network.party) {
      seed = this.primitives.randomBytes(32);
      for (const other of others) network.link(other).send(tag, seed);
    } else if (others.includes(network.party)) {
      seed = await receiveBytes(network.link(first!), tag, 32);
    }
    const indices = seed === null ? null : permutationFrom(this.primitives, seed, length);
    return schedule.asRound(Promise.resolve({ pass, indices, length }));
  }

  /** Laur, Willemson, Zhang 2011: the group holds x as a weighted sum, moves it, and deals it afresh. */
  async permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]> {
    const { indices, length } = by;
    const own = this.field.alloc(columns.length * length);
    if (indices === null) this.field.fill(own, 0);
    else {
      columns.forEach((column, i) => {
        const moved = back ? this.scatter(column, indices) : this.gather(column, indices);
        this.field.copy(own.slice(i * length, (i + 1) * length), moved.components[0]!);
        this.free(moved);
      });
    }
    const weight = this.tools.plan.weightIn(by.pass);
    const values = new Partial([own], true);
    const shared = await this.dealt(values, weight, "shuffle");
    const result = columns.map((_, i) =>
      copy(this, this.slice(shared, i * length, (i + 1) * length)),
    );
    this.free(values, shared);
    this.field.free(weight);
    return result;
  }

  async reveal(values: readonly Secret[]): Promise<Uint8Array[]> {
    return values.map((value) => this.outputShare(value));
  }

  labelled<T>(kind: MessageKind, work: () => Promise<T>): Promise<T> {
    return this.tools.network.labelled(kind, work);
  }

  outputShare(a: Secret): Uint8Array {
    return this.field.toBytes(a.components[0]!);
  }

  /** z = sum over t of x_t y_t at positions from..to. */
  private products(z: Vector, factors: Factors, from: number, to: number): void {
    factors.forEach(([x, y], index) => {
      const left = x.components[0]!.slice(from, to);
      const right = y.length === 1 ? y.components[0]! : y.components[0]!.slice(from, to);
      if (index === 0) this.field.mul(z, left, right);
      else this.field.multiplyAdd(z, left, right);
    });
  }

  /** The sum over all parties of `weight` times what each has as `a`. */
  private dealt(a: Partial, weight: Vector, kind: MessageKind): Promise<Secret> {
    const [source] = a.components;
    const share = this.rounds.deal(a.length, weight, kind, (z, from, to) => {
      this.field.copy(z, source!.slice(from, to));
    });
    return this.asSecret(share);
  }

  private openAs(a: Secret | Partial, kind: MessageKind): Promise<Vector> {
    const [share] = a.components;
    return this.tools.schedule.asRound(
      a instanceof Secret
        ? this.rounds.openSecret(share!, kind)
        : this.rounds.openProduct(share!, kind),
    );
  }

  private async asSecret(share: Promise<Vector>): Promise<Secret> {
    return new Secret([await this.tools.schedule.asRound(share)], true);
  }
}
