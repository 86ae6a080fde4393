// Replicated sharing among three evaluators, semi-honest, at most one of them curious (Araki, Furukawa,
// Lindell, Nof, Ohara 2016): x = x0 + x1 + x2, evaluator i holds (x_i, x_(i+1)). A multiplication costs each
// evaluator one element sent to the previous one; an opening one element to the next one.
import { receiveBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { CorrelatedRandomness } from "../sharing/correlated.ts";
import { Beacon } from "./beacon.ts";
import type { Engine, EngineStats, Factors, PassPermutation, VerifiableEngine } from "./engine.ts";
import { type ConstantFactor, LinearEngine } from "./linear-engine.ts";
import { type MessageKind, Network, type Peers } from "./network.ts";
import { exclusiveOr } from "./random-bits.ts";
import { commonBits } from "./replicated-bits.ts";
import { type OpeningTools, openFromBoth, openPartial, openSecret } from "./replicated-opening.ts";
import { drawPermutation, movedShare } from "./replicated-shuffle.ts";
import { Schedule } from "./schedule.ts";
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
  private readonly tools: OpeningTools;
  private readonly schedule = new Schedule();

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
    const { correlated } = this;
    this.tools = { field, network, correlated, inTurn: (work) => this.schedule.inTurn(work) };
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

  get stats(): EngineStats {
    return { rounds: this.schedule.rounds, elementsSent: this.network.elementsSent };
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
    return this.schedule.asRound(operation);
  }

  open(a: Secret | Partial): Promise<Vector> {
    return this.openAs(a, "opening");
  }

  openVerified(a: Secret | Partial): Promise<Vector> {
    return this.openAs(a, "reveal");
  }

  /** Both others hold the component that this evaluator lacks: each sends it, and they must be equal. */
  openChecked(a: Secret, kind: MessageKind): Promise<Vector> {
    return this.schedule.asRound(openFromBoth(this.tools, a, kind));
  }

  randomBits(count: number): Promise<Secret> {
    return this.randomBitsOver(this, count);
  }

  async randomBitsOver(over: Engine, count: number): Promise<Secret> {
    // Each evaluator's pair of common bit streams; the exclusive or of the three is known to nobody.
    const { own, shared } = await this.schedule.inTurn(async () =>
      this.correlated.commonBits(count),
    );
    const { party } = this.network;
    const [b0, b1, b2] = [0, 1, 2].map((holder) =>
      commonBits(this.field, party, holder, own, shared),
    );
    const b01 = await exclusiveOr(over, b0!, b1!);
    const bits = await exclusiveOr(over, b01, b2!);
    over.free(b0!, b1!, b2!, b01);
    return bits;
  }

  async random(count: number): Promise<Secret> {
    const components = [this.field.alloc(count), this.field.alloc(count)] as const;
    await this.schedule.inTurn(async () => {
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
    return this.schedule.asRound(this.beacon.toss(transcript));
  }

  stockMasks(count: number): Promise<void> {
    return this.schedule.inTurn(async () => this.correlated.stockZeroShares(count));
  }

  assertZero(): void {}

  async checkpoint(): Promise<void> {}

  drawPermutation(pass: number, length: number): Promise<PassPermutation> {
    return this.schedule.asRound(drawPermutation(this.network, this.primitives, pass, length));
  }

  async permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]> {
    // A message of its own for each column, all in one round: so each can be freed by itself.
    const moved = columns.map((column) => movedShare(this, this.network.party, column, by, back));
    const shared = await Promise.all(moved.map((own) => this.reshareAs(own, "shuffle")));
    this.free(...moved);
    return shared;
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

  private openAs(a: Secret | Partial, kind: MessageKind): Promise<Vector> {
    const opening =
      a instanceof Secret ? openSecret(this.tools, a, kind) : openPartial(this.tools, a, kind);
    return this.schedule.asRound(opening);
  }

  private reshareAs(a: Partial, kind: MessageKind): Promise<Secret> {
    const [source] = a.components;
    const operation = this.reshareInChunks(a.length, kind, (z, from, to) => {
      this.field.copy(z, source!.slice(from, to));
    });
    return this.schedule.asRound(operation);
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
    const { network } = this;
    const [next, previous] = [network.link(network.party + 1), network.link(network.party - 1)];
    const tag = network.takeTag(kind);
    const mine = this.field.alloc(length);
    const other = this.field.alloc(length);
    const received = network.receiveVector(next, tag, other);
    await this.schedule.inTurn(async () => {
      for (let from = 0, chunk = 1; from < length; from += CHUNK, chunk++) {
        const to = Math.min(from + CHUNK, length);
        const z = mine.slice(from, to);
        compute(z, from, to);
        this.correlated.addZeroShare(z);
        network.sendVector(previous, tag, z);
        if (to < length && chunk % CHUNKS_PER_TURN === 0) {
          await previous.drained();
          await this.yieldTurn();
        }
      }
    });
    await received;
    return new Secret([mine, other], true);
  }
}
