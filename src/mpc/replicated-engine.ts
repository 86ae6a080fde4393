// Replicated sharing among three evaluators, semi-honest, at most one of them curious (Araki, Furukawa,
// Lindell, Nof, Ohara 2016): x = x0 + x1 + x2, evaluator i holds (x_i, x_(i+1)). A multiplication costs each
// evaluator one element sent to the previous one; an opening one element to the next one.
import type { Link } from "../channel/channel.ts";
import { receiveBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { CorrelatedRandomness } from "../sharing/correlated.ts";
import { AbortError } from "./abort.ts";
import { Beacon } from "./beacon.ts";
import type { Engine, EngineStats, Factors, PassPermutation, VerifiableEngine } from "./engine.ts";
import { type ConstantFactor, LinearEngine } from "./linear-engine.ts";
import { type MessageKind, Network, type Peers } from "./network.ts";
import { permutationFrom } from "./permutation.ts";
import { exclusiveOr } from "./random-bits.ts";
import { Partial, Secret } from "./shared.ts";

/** Elements computed and sent as one frame: the working set of a multiplication stays in the cache. */
const CHUNK = CorrelatedRandomness.maxLength;

/** Chunks after which a long operation lets arriving bytes be processed. */
const CHUNKS_PER_TURN = 4;

const NO_TRANSCRIPT = new Uint8Array(0);

export class ReplicatedEngine extends LinearEngine implements VerifiableEngine {
  readonly name = "replicated";
  readonly parties = 3;
  readonly security = "semi-honest";
  /** One per pair of evaluators: whoever it is, one evaluator misses one of the three permutations. */
  readonly shufflePasses = 3;
  private readonly network: Network;
  private readonly beacon: Beacon;
  private readonly primitives: Primitives;
  private readonly correlated: CorrelatedRandomness;
  private readonly yieldTurn: () => Promise<void>;
  private clock = 0;
  /** Ends when the local part of every operation begun so far has ended. */
  private turn: Promise<void> = Promise.resolve();

  private constructor(
    field: Field,
    network: Network,
    beacon: Beacon,
    primitives: Primitives,
    keys: { own: Uint8Array; shared: Uint8Array },
    yieldTurn: () => Promise<void>,
  ) {
    super(field);
    this.network = network;
    this.beacon = beacon;
    this.primitives = primitives;
    this.correlated = new CorrelatedRandomness(field, primitives, keys.own, keys.shared);
    this.yieldTurn = yieldTurn;
  }

  /**
   * Begins a session: agrees on fresh pairwise keys, so that no randomness is used twice whatever happened
   * before. `yieldTurn` resolves after waiting input has been processed.
   */
  static async start(
    field: Field,
    peers: Peers,
    primitives: Primitives,
    yieldTurn: () => Promise<void>,
  ): Promise<ReplicatedEngine> {
    const network = new Network(field, peers);
    const own = primitives.randomBytes(16);
    const tag = network.takeTag("setup");
    network.link(peers.party - 1).send(tag, own);
    const [shared, beacon] = await Promise.all([
      receiveBytes(network.link(peers.party + 1), tag, 16),
      Beacon.start(network, primitives),
    ]);
    return new ReplicatedEngine(field, network, beacon, primitives, { own, shared }, yieldTurn);
  }

  private get next(): Link {
    return this.network.link(this.network.party + 1);
  }

  private get previous(): Link {
    return this.network.link(this.network.party - 1);
  }

  get stats(): EngineStats {
    return { rounds: this.clock, elementsSent: this.network.elementsSent };
  }

  protected constantFactors(kind: "secret" | "partial"): readonly ConstantFactor[] {
    const { party } = this.network;
    return kind === "secret" ? [party === 0 ? 1 : 0, party === 2 ? 1 : 0] : [party === 0 ? 1 : 0];
  }

  partial(a: Secret): Partial {
    const copy = this.field.alloc(a.length);
    this.field.copy(copy, a.components[0]!);
    return new Partial([copy], true);
  }

  partialProducts(factors: Factors): Partial {
    const length = factors[0]![0].length;
    const z = this.field.alloc(length);
    this.crossTerms(z, factors, 0, length);
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
        const [x0, x1] = x.components.map((component) => component.slice(from, to));
        const [y0, y1] = y.components.map((component) => component.slice(from, to));
        this.field.crossDot(part, x0!, x1!, y0!, y1!);
        const sum = z.slice(index, index + 1);
        this.field.add(sum, sum, part);
      });
    }
    this.field.free(part);
    return new Partial([z], true);
  }

  reshare(a: Partial): Promise<Secret> {
    return this.reshareAs(a, "multiplication");
  }

  mulSum(factors: Factors, plus?: Secret | Partial): Promise<Secret> {
    const { length } = factors[0]![0];
    const operation = this.reshareInChunks(length, "multiplication", (z, from, to) => {
      this.crossTerms(z, factors, from, to);
      if (plus === undefined) return;
      const [added] = plus.components;
      this.field.add(z, z, added!.length === 1 ? added! : added!.slice(from, to));
    });
    return this.asRound(operation);
  }

  open(a: Secret | Partial): Promise<Vector> {
    return this.asRound(
      a instanceof Secret ? this.openSecret(a, "opening") : this.openPartial(a, "opening"),
    );
  }

  openVerified(a: Secret | Partial): Promise<Vector> {
    return this.asRound(
      a instanceof Secret ? this.openSecret(a, "reveal") : this.openPartial(a, "reveal"),
    );
  }

  /** Both others hold the component that this evaluator lacks: each sends it, and they must be equal. */
  openChecked(a: Secret): Promise<Vector> {
    return this.asRound(this.openFromBoth(a));
  }

  randomBits(count: number): Promise<Secret> {
    return this.randomBitsOver(this, count);
  }

  async randomBitsOver(over: Engine, count: number): Promise<Secret> {
    // Each evaluator's pair of common bit streams; the exclusive or of the three is known to nobody.
    const { own, shared } = await this.inTurn(async () => this.correlated.commonBits(count));
    const [b0, b1, b2] = [0, 1, 2].map((holder) => this.commonSecret(holder, own, shared));
    const b01 = await exclusiveOr(over, b0!, b1!);
    const bits = await exclusiveOr(over, b01, b2!);
    over.free(b0!, b1!, b2!, b01);
    return bits;
  }

  async random(count: number): Promise<Secret> {
    const components = [this.field.alloc(count), this.field.alloc(count)] as const;
    await this.inTurn(async () => {
      for (let from = 0; from < count; from += CHUNK) {
        const to = Math.min(from + CHUNK, count);
        this.correlated.randomComponents(
          components[0].slice(from, to),
          components[1].slice(from, to),
        );
      }
    });
    return new Secret(components, true);
  }

  coin(): Promise<Uint8Array> {
    return this.coinOver(NO_TRANSCRIPT);
  }

  coinOver(transcript: Uint8Array): Promise<Uint8Array> {
    return this.asRound(this.beacon.toss(transcript));
  }

  stockMasks(count: number): Promise<void> {
    return this.inTurn(async () => this.correlated.stockZeroShares(count));
  }

  assertZero(): void {}

  async checkpoint(): Promise<void> {}

  /** The group of pass i is evaluators i and i + 1; i draws. */
  async drawPermutation(pass: number, length: number): Promise<PassPermutation> {
    const tag = this.network.takeTag("shuffle");
    const position = (this.network.party - pass + 3) % 3;
    let seed: Uint8Array | null = null;
    if (position === 0) {
      seed = this.primitives.randomBytes(32);
      this.next.send(tag, seed);
    } else if (position === 1) {
      seed = await receiveBytes(this.previous, tag, 32);
    }
    const indices = seed === null ? null : permutationFrom(this.primitives, seed, length);
    return this.asRound(Promise.resolve({ pass, indices, length }));
  }

  /** Laur, Willemson, Zhang 2011: the group holds x between them, moves it, and shares it afresh. */
  async permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]> {
    const position = (this.network.party - by.pass + 3) % 3;
    const moved = columns.map((column) => {
      const share = this.field.alloc(column.length);
      const [x0, x1] = column.components as [Vector, Vector];
      if (position === 2) this.field.fill(share, 0);
      else if (position === 0) this.field.add(share, x0, x1);
      else this.field.copy(share, x1);
      const own = new Partial([share], true);
      if (by.indices === null) return own;
      const result = back ? this.scatter(own, by.indices) : this.gather(own, by.indices);
      this.free(own);
      return result;
    });
    const all = this.concat(moved);
    this.free(...moved);
    const shared = await this.reshareAs(all, "shuffle");
    this.free(all);
    return columns.map((_, i) => this.slice(shared, i * by.length, (i + 1) * by.length));
  }

  async reveal(values: readonly Secret[]): Promise<Uint8Array[]> {
    return values.map((value) => this.outputShare(value));
  }

  labelled<T>(kind: MessageKind, work: () => Promise<T>): Promise<T> {
    return this.network.labelled(kind, work);
  }

  outputShare(a: Secret): Uint8Array {
    const bytes = new Uint8Array(2 * 8 * a.length);
    bytes.set(this.field.toBytes(a.components[0]!));
    bytes.set(this.field.toBytes(a.components[1]!), 8 * a.length);
    return bytes;
  }

  /** z = sum over t of x_t0 (y_t0 + y_t1) + x_t1 y_t0 at positions from..to: an additive share. */
  private crossTerms(z: Vector, factors: Factors, from: number, to: number): void {
    factors.forEach(([x, y], index) => {
      const [x0, x1] = x.components.map((component) => component.slice(from, to));
      const [y0, y1] =
        y.length === 1 ? y.components : y.components.map((component) => component.slice(from, to));
      if (index === 0) this.field.crossSet(z, x0!, x1!, y0!, y1!);
      else this.field.crossAdd(z, x0!, x1!, y0!, y1!);
    });
  }

  private reshareAs(a: Partial, kind: MessageKind): Promise<Secret> {
    const [source] = a.components;
    const operation = this.reshareInChunks(a.length, kind, (z, from, to) => {
      this.field.copy(z, source!.slice(from, to));
    });
    return this.asRound(operation);
  }

  /**
   * The round of a multiplication: `compute` writes additive shares chunk by chunk; each is masked with a share
   * of zero, kept as the first component and sent on while the next is computed.
   */
  private async reshareInChunks(
    length: number,
    kind: MessageKind,
    compute: (z: Vector, from: number, to: number) => void,
  ): Promise<Secret> {
    const tag = this.network.takeTag(kind);
    const mine = this.field.alloc(length);
    const other = this.field.alloc(length);
    const received = this.network.receiveVector(this.next, tag, other);
    await this.inTurn(async () => {
      for (let from = 0, chunk = 1; from < length; from += CHUNK, chunk++) {
        const to = Math.min(from + CHUNK, length);
        const z = mine.slice(from, to);
        compute(z, from, to);
        this.correlated.addZeroShare(z);
        this.network.sendVector(this.previous, tag, z);
        if (to < length && chunk % CHUNKS_PER_TURN === 0) {
          await this.previous.drained();
          await this.yieldTurn();
        }
      }
    });
    await received;
    return new Secret([mine, other], true);
  }

  private async openSecret(a: Secret, kind: MessageKind): Promise<Vector> {
    const [x0, x1] = a.components;
    const tag = this.network.takeTag(kind);
    const result = this.field.alloc(a.length);
    const received = this.network.receiveVector(this.previous, tag, result);
    await this.inTurn(() => this.network.sendLong([this.next], tag, x0!));
    await received;
    this.field.add(result, result, x0!);
    this.field.add(result, result, x1!);
    return result;
  }

  private async openFromBoth(a: Secret): Promise<Vector> {
    const [x0, x1] = a.components;
    const tag = this.network.takeTag("reveal");
    const [result, twin] = [this.field.alloc(a.length), this.field.alloc(a.length)];
    const received = Promise.all([
      this.network.receiveVector(this.previous, tag, result),
      this.network.receiveVector(this.next, tag, twin),
    ]);
    received.catch(() => {});
    await this.inTurn(async () => {
      await this.network.sendLong([this.next], tag, x0!);
      await this.network.sendLong([this.previous], tag, x1!);
    });
    await received;
    if (!this.field.equal(result, twin)) {
      throw new AbortError("the other evaluators opened a value differently");
    }
    this.field.add(result, result, x0!);
    this.field.add(result, result, x1!);
    this.field.free(twin);
    return result;
  }

  private async openPartial(a: Partial, kind: MessageKind): Promise<Vector> {
    const { next, previous } = this;
    const tag = this.network.takeTag(kind);
    const [result, fromNext, fromPrevious] = [0, 1, 2].map(() => this.field.alloc(a.length));
    const received = Promise.all([
      this.network.receiveVector(next, tag, fromNext!),
      this.network.receiveVector(previous, tag, fromPrevious!),
    ]);
    received.catch(() => {});
    await this.inTurn(async () => {
      this.field.copy(result!, a.components[0]!);
      for (let from = 0; from < a.length; from += CHUNK) {
        this.correlated.addZeroShare(result!.slice(from, Math.min(from + CHUNK, a.length)));
      }
      await this.network.sendLong([next, previous], tag, result!);
    });
    await received;
    this.field.add(result!, result!, fromNext!);
    this.field.add(result!, result!, fromPrevious!);
    this.field.free(fromNext!);
    this.field.free(fromPrevious!);
    return result!;
  }

  /** Bits known to evaluators `holder` and `holder` - 1 only, as a Secret: component `holder` carries them. */
  private commonSecret(holder: number, own: Uint8Array, shared: Uint8Array): Secret {
    const { party } = this.network;
    const components = [party, (party + 1) % 3].map((index, position) => {
      const component = this.field.alloc(own.length);
      if (index === holder) this.field.setNumbers(component, position === 0 ? own : shared);
      else this.field.fill(component, 0);
      return component;
    });
    return new Secret(components, true);
  }

  /**
   * Runs the local part of an operation after those begun earlier, so that all evaluators draw correlated
   * randomness in the same order also while a long operation waits for a slow link.
   */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.then(() => {});
    this.turn.catch(() => {});
    return result;
  }

  /** Counts the round of an operation: it came after all that had finished when it began. */
  private async asRound<T>(operation: Promise<T>): Promise<T> {
    const round = this.clock + 1;
    const result = await operation;
    this.clock = Math.max(this.clock, round);
    return result;
  }
}
