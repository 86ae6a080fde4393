// Additive sharing with authentication codes among two or more evaluators: the online phase of SPDZ (Damgard, Pastro,
// Smart, Zakarias 2012; Damgard, Keller, Larraia, Pastro, Scholl, Smart 2013), whose offline phase a trusted dealer
// replaces that takes no part in the computation. Whoever lies is noticed even if all evaluators but one collude, as
// long as the dealer is honest and colludes with nobody. A Secret is [x_i, m_i]: x = sum of x_i, Delta x = sum of m_i.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { SeedStreams } from "../sharing/dealer.ts";
import { Beacon } from "./beacon.ts";
import type { DealerAccess } from "./dealer-access.ts";
import { MaterialStore } from "./dealer-material.ts";
import { Openings } from "./dealer-openings.ts";
import { PromisingEngine } from "./dealer-partials.ts";
import { Multiplier } from "./dealer-products.ts";
import { DealtPermutation, permuteDealt } from "./dealer-shuffle.ts";
import type { Engine, EngineStats, Factors, PassPermutation } from "./engine.ts";
import type { ConstantFactor } from "./linear-engine.ts";
import { type MessageKind, Network, type Peers } from "./network.ts";
import { permutationFrom } from "./permutation.ts";
import { Schedule } from "./schedule.ts";
import { type Partial, Secret } from "./shared.ts";

/** Opened elements kept until a checkpoint checks them: 16 bytes each. */
const CHECKED_FROM = 2 ** 18;

const NO_TRANSCRIPT = new Uint8Array(0);

export class DealerEngine extends PromisingEngine implements Engine {
  readonly name = "dealer";
  readonly security = "malicious";
  readonly parties: number;
  /** Pass i's permutation is known to evaluator i only: whoever is honest, one is known to nobody else. */
  readonly shufflePasses: number;
  private readonly network: Network;
  private readonly primitives: Primitives;
  private readonly beacon: Beacon;
  private readonly yieldTurn: () => Promise<void>;
  private readonly schedule = new Schedule();
  private readonly streams: SeedStreams;
  private readonly store: MaterialStore;
  private readonly openings: Openings;
  private readonly multiplier: Multiplier;
  private readonly draws: number[];
  private readonly masks: DealerAccess["masks"];

  private constructor(
    field: Field,
    network: Network,
    beacon: Beacon,
    access: DealerAccess,
    primitives: Primitives,
    yieldTurn: () => Promise<void>,
  ) {
    super(field);
    const { schedule } = this;
    const isFirst = network.party === 0;
    this.parties = network.parties;
    this.shufflePasses = network.parties;
    this.draws = new Array<number>(network.parties).fill(0);
    this.network = network;
    this.primitives = primitives;
    this.masks = access.masks;
    this.beacon = beacon;
    this.yieldTurn = yieldTurn;
    this.streams = new SeedStreams(field, primitives, access.seed);
    const { delta } = this.streams;
    this.store = new MaterialStore(field, this.streams, isFirst ? access : null);
    this.openings = new Openings({ field, primitives, network, beacon, schedule, delta });
    this.multiplier = new Multiplier(field, this.store, this.openings, delta, isFirst);
  }

  /**
   * Begins a session with the other evaluators, each of which has joined the same one at the dealer. `yieldTurn`
   * resolves
   * after waiting input has been processed. Rounds: 1.
   */
  static async start(
    field: Field,
    peers: Peers,
    access: DealerAccess,
    primitives: Primitives,
    yieldTurn: () => Promise<void>,
  ): Promise<DealerEngine> {
    const network = new Network(field, peers);
    const beacon = await Beacon.start(network, primitives);
    return new DealerEngine(field, network, beacon, access, primitives, yieldTurn);
  }

  get stats(): EngineStats {
    return { rounds: this.schedule.rounds, elementsSent: this.network.elementsSent };
  }

  protected constantFactors(): readonly ConstantFactor[] {
    return [this.network.party === 0 ? 1 : 0, this.streams.delta];
  }

  /** The round begins at once. Elements to each other evaluator: 2 per product, 1 and 1/256 with a broadcast factor. */
  partialProducts(factors: Factors): Partial {
    return this.promised(factors[0]![0].length, this.multiplier.products(factors));
  }

  /** The round begins at once. Elements to each other evaluator: 2 per product. */
  partialDots(factors: Factors): Partial {
    return this.promised(factors.length, this.multiplier.dots(factors));
  }

  /** Rounds: none but those of the Partial. */
  reshare(a: Partial): Promise<Secret> {
    return this.underWay(this.copyOf(a));
  }

  async mulSum(factors: Factors, plus?: Secret | Partial): Promise<Secret> {
    const products = this.multiplier.products(factors);
    if (plus === undefined) return products;
    const work = async () => {
      const [sum, added] = await Promise.all([products, this.secretOf(plus)]);
      sum.components.forEach((component, index) => {
        this.field.add(component, component, added.components[index]!);
      });
      return sum;
    };
    return this.underWay(work());
  }

  /** Rounds: 1, after those of a Partial. Elements to each other evaluator: 1. */
  open(a: Secret | Partial): Promise<Vector> {
    return this.openAs(a, "opening");
  }

  /** Rounds: 7, or 4 if nothing was opened since the last check. */
  async openVerified(a: Secret | Partial): Promise<Vector> {
    const secret = await this.secretOf(a);
    await this.openings.check();
    const opened = await this.openAs(secret, "reveal");
    // A wrong value must not be accepted, and the error in it cannot be told from a value.
    await this.openings.check();
    return opened;
  }

  randomBits(count: number): Promise<Secret> {
    return this.store.secret("bits", count);
  }

  random(count: number): Promise<Secret> {
    return this.store.secret("random", count);
  }

  /** The next `count` masks of what meters send, each known to its meter. */
  inputMasks(count: number): Promise<Secret> {
    return this.store.secret(this.masks.rows, count);
  }

  coin(): Promise<Uint8Array> {
    return this.schedule.asRound(this.beacon.toss(NO_TRANSCRIPT));
  }

  /** An element masked is a product: has triples for `count` of them come from the dealer. */
  stockMasks(count: number): Promise<void> {
    return this.store.stock("triples", count, this.yieldTurn);
  }

  assertZero(a: Secret | Partial): void {
    this.openings.claimZero(
      this.copyOf(a).then(({ components: [values, codes] }) => {
        this.field.free(values!);
        return codes!;
      }),
      a.length,
    );
  }

  async checkpoint(): Promise<void> {
    if (this.openings.pending >= CHECKED_FROM) await this.openings.check();
  }

  /** Local: evaluator `pass` makes it from its seed. */
  async drawPermutation(pass: number, length: number): Promise<PassPermutation> {
    const draw = this.draws[pass]!++;
    const own = pass === this.network.party;
    const indices = own
      ? permutationFrom(this.primitives, this.streams.permutationCoin(draw), length)
      : null;
    return new DealtPermutation(pass, draw, indices, length);
  }

  /** Rounds: 2. */
  permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]> {
    assert(by instanceof DealtPermutation, "a permutation is one that this engine drew");
    const { network, schedule, store, openings, streams } = this;
    const tools = { engine: this, network, schedule, store, openings, delta: streams.delta };
    return permuteDealt(tools, columns, by, back);
  }

  /**
   * The values minus masks that whoever may learn them knows, the same bytes at all evaluators: their bytes one
   * after the
   * other use the masks in order. Rounds: 7, or 4 if nothing was opened since the last check. Elements to each other
   * evaluator: 1.
   */
  async reveal(values: readonly Secret[]): Promise<Uint8Array[]> {
    if (values.length === 0) return [];
    const all = this.concat(values);
    const masks = await this.store.secret(this.masks.results, all.length);
    // Whoever knows a mask may be an evaluator's friend: so nothing wrong may be opened even under masks.
    await this.openings.check();
    const masked = this.sub(all, masks);
    // Uniformly masked, everything before it verified.
    const opened = await this.openAs(masked, "reveal");
    await this.openings.check();
    const bytes = this.field.toBytes(opened);
    this.free(all, masks, masked);
    this.field.free(opened);
    let at = 0;
    return values.map(({ length }) => {
      const from = at;
      at += ELEMENT_BYTES * length;
      return bytes.slice(from, at);
    });
  }

  override end(): void {
    this.store.end();
    super.end();
  }

  private openAs(a: Secret | Partial, kind: MessageKind): Promise<Vector> {
    const shared = this.secretOf(a);
    const parts = (secret: Secret) => {
      const [values, codes] = this.copied(secret).components;
      return { values: values!, codes: codes! };
    };
    const shares = shared instanceof Secret ? parts(shared) : shared.then(parts);
    const ready = () => Promise.resolve();
    const opened = this.openings.begin(kind, a.length, shares, ready, (values) => {
      // The caller may do with its copy what it likes; the other is for the check.
      const copy = this.field.alloc(values.length);
      this.field.copy(copy, values);
      return copy;
    });
    return this.underWay(opened);
  }

  private async copyOf(a: Secret | Partial): Promise<Secret> {
    const secret = this.secretOf(a);
    return this.copied(secret instanceof Secret ? secret : await secret);
  }
}
