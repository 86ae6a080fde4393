// From what an engine recorded to one claim about an inner product. Every record says that a value equals the end of
// a tape; weighted by public random numbers and added up, the products of all records that share a factor become one
// factor times a weighted sum, so that the claim is far shorter than the list of products.
// Reference: Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai 2019; Goyal, Song 2020.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import type { Prg } from "../platform/primitives.ts";
import type { Engine } from "./engine.ts";
import { Secret } from "./shared.ts";
import type { Trace, WeightSink } from "./verified-tape.ts";

/** What `trace` computes was taken for `value`: a Secret, public elements, or zero. */
export interface CheckRecord {
  readonly trace: Trace;
  readonly value: Secret | Vector | null;
}

/** sum over segments of the inner product <x, y> = z (length 1). */
export interface Claim {
  readonly segments: readonly Segment[];
  readonly z: Secret;
}

export interface Segment {
  readonly x: Secret;
  readonly y: Secret;
}

/** The claim of all records, each weighted by fresh elements of `prg`. Local. False records make it false. */
export function claimOf(engine: Engine, records: readonly CheckRecord[], prg: Prg): Claim {
  const builder = new ClaimBuilder(engine, prg);
  builder.addAll(records);
  return builder.claim();
}

class ClaimBuilder implements WeightSink {
  private readonly engine: Engine;
  private readonly field: Field;
  private readonly prg: Prg;
  /** Weights carried back so far, per trace. */
  private readonly waiting = new Map<Trace, Vector>();
  /** By the factor that all their products share. */
  private readonly groups = new Map<string, Segment>();
  private readonly components: number;
  /** Per component the sum of what is not a product, and the public part of it. */
  private readonly linear: readonly Vector[];
  private readonly constants: Vector;

  constructor(engine: Engine, prg: Prg) {
    this.engine = engine;
    this.field = engine.field;
    this.prg = prg;
    const zero = engine.constant([0]);
    this.linear = zero.components;
    this.components = zero.components.length;
    this.constants = this.field.alloc(1);
    this.field.fill(this.constants, 0);
  }

  addAll(records: readonly CheckRecord[]): void {
    // Latest first, so that a Partial's weights are complete before they are carried on.
    const latestFirst = [...records].sort((a, b) => b.trace.id - a.trace.id);
    for (let next = 0; next < latestFirst.length || this.waiting.size > 0; ) {
      const record = latestFirst[next];
      const trace = this.latestWaiting();
      if (record !== undefined && (trace === null || record.trace.id >= trace.id)) {
        this.addRecord(record);
        next += 1;
      } else {
        const weights = this.waiting.get(trace!)!;
        this.waiting.delete(trace!);
        trace!.carryBack(weights, this);
        this.field.free(weights);
      }
    }
  }

  claim(): Claim {
    const publicPart = this.engine.fromPublic(this.constants);
    const sum = new Secret(this.linear, true);
    return {
      segments: [...this.groups.values()],
      z: this.engine.scale(this.engine.add(sum, publicPart), -1),
    };
  }

  partial(trace: Trace, from: number, weights: Vector): void {
    let all = this.waiting.get(trace);
    if (all === undefined) {
      all = this.field.alloc(trace.length);
      this.waiting.set(trace, all);
      if (weights.length === trace.length) {
        this.field.copy(all, weights);
        return;
      }
      this.field.fill(all, 0);
    }
    const part = all.slice(from, from + weights.length);
    this.field.add(part, part, weights);
  }

  secret(value: Secret, weights: Vector): void {
    this.addLinear(value, weights, 1);
  }

  constant(k: number, weights: Vector): void {
    const term = this.field.alloc(1);
    this.field.sum(term, weights);
    this.field.scale(term, term, k);
    this.field.add(this.constants, this.constants, term);
    this.field.free(term);
  }

  product(x: Secret, y: Secret, weights: Vector): void {
    if (y.length === 1 && x.length !== 1) {
      this.addScalarProduct(x, y, weights);
      return;
    }
    const fixed = this.groups.has(keyOf(x)) || !this.groups.has(keyOf(y)) ? x : y;
    const varying = fixed === x ? y : x;
    const sum = this.groupOf(fixed, x.length);
    sum.components.forEach((component, index) => {
      this.field.multiplyAdd(component, varying.components[index]!, weights);
    });
  }

  /** y times the weighted sum of x. */
  private addScalarProduct(x: Secret, y: Secret, weights: Vector): void {
    const sum = this.groupOf(y, 1);
    const term = this.field.alloc(1);
    sum.components.forEach((component, index) => {
      this.weigh(term, x.components[index]!, weights);
      this.field.add(component, component, term);
    });
    this.field.free(term);
  }

  private addRecord({ trace, value }: CheckRecord): void {
    const weights = this.field.alloc(trace.length);
    this.prg.fill(this.field.memory.bytes(weights));
    this.field.maskPrg(weights);
    if (value instanceof Secret) this.addLinear(value, weights, -1);
    else if (value !== null) {
      const term = this.field.alloc(1);
      this.field.dot(term, value, weights);
      this.field.sub(this.constants, this.constants, term);
      this.field.free(term);
    }
    this.partial(trace, 0, weights);
    this.field.free(weights);
  }

  private addLinear(value: Secret, weights: Vector, sign: 1 | -1): void {
    const term = this.field.alloc(1);
    this.linear.forEach((sum, index) => {
      this.weigh(term, value.components[index]!, weights);
      if (sign > 0) this.field.add(sum, sum, term);
      else this.field.sub(sum, sum, term);
    });
    this.field.free(term);
  }

  /** term = sum of weights_i x_i; one weight may stand for all. */
  private weigh(term: Vector, x: Vector, weights: Vector): void {
    if (weights.length === x.length) {
      this.field.dot(term, x, weights);
    } else {
      assert(weights.length === 1, "there is one weight per element, or one for all");
      this.field.sum(term, x);
      this.field.mul(term, term, weights);
    }
  }

  /** The weighted sum of what `fixed` is multiplied by. */
  private groupOf(fixed: Secret, length: number): Secret {
    const key = keyOf(fixed);
    let group = this.groups.get(key);
    if (group === undefined) {
      const sums = Array.from({ length: this.components }, () => {
        const sum = this.field.alloc(length);
        this.field.fill(sum, 0);
        return sum;
      });
      group = { x: fixed, y: new Secret(sums, true) };
      this.groups.set(key, group);
    }
    return group.y;
  }

  private latestWaiting(): Trace | null {
    let latest: Trace | null = null;
    for (const trace of this.waiting.keys()) {
      if (latest === null || trace.id > latest.id) latest = trace;
    }
    return latest;
  }
}

/** Two Secrets with one key are the same elements: nothing recorded is freed before it is verified. */
const keyOf = (value: Secret) => `${value.components[0]!.offset}+${value.length}`;
