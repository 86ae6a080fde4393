// How a Partial came about: a tape of the linear operations between products and what was done with them. Weights on
// a Partial's elements are carried back along it, each operation by its transpose, so that a claim about a weighted
// sum of the Partial becomes a claim about weighted products of Secrets.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Factors } from "./engine.ts";
import type { Secret } from "./shared.ts";

/** Where weights end up. All vectors are borrowed for the call. */
export interface WeightSink {
  /** Adds to the weights of a part of an earlier Partial, from element `from` on. */
  partial(trace: Trace, from: number, weights: Vector): void;
  /** The sum of weights times a Secret's elements. */
  secret(value: Secret, weights: Vector): void;
  /** The sum of weights times products x y; weights and y are broadcast. */
  product(x: Secret, y: Secret, weights: Vector): void;
  /** A public number times the sum of the weights. */
  constant(k: number, weights: Vector): void;
}

let traces = 0;

/** The step that made one Partial. */
export class Trace {
  readonly length: number;
  /** Grows: what a Partial was made from has a smaller one. */
  readonly id: number;
  /** Carries weights on this Partial's elements back one step. */
  readonly carryBack: (weights: Vector, sink: WeightSink) => void;

  constructor(length: number, carryBack: (weights: Vector, sink: WeightSink) => void) {
    this.length = length;
    this.id = traces++;
    this.carryBack = carryBack;
  }
}

export const secretTrace = (a: Secret): Trace =>
  new Trace(a.length, (weights, sink) => sink.secret(a, weights));

export const productsTrace = (factors: Factors): Trace =>
  new Trace(factors[0]![0].length, (weights, sink) => {
    for (const [x, y] of factors) sink.product(x, y, weights);
  });

export const dotsTrace = (factors: Factors): Trace =>
  new Trace(factors.length, (weights, sink) => {
    factors.forEach(([x, y], j) => {
      sink.product(x, y, weights.slice(j, j + 1));
    });
  });

/** a + sign b; b is broadcast. */
export function sumTrace(field: Field, a: Trace, b: Trace, sign: 1 | -1): Trace {
  return new Trace(a.length, (weights, sink) => {
    sink.partial(a, 0, weights);
    withScratch(field, b.length, (own) => {
      if (b.length === a.length) field.copy(own, weights);
      else field.sum(own, weights);
      if (sign < 0) field.neg(own, own);
      sink.partial(b, 0, own);
    });
  });
}

export const scaleTrace = (field: Field, a: Trace, k: number): Trace =>
  elementwise(field, a, (own, weights) => field.scale(own, weights, k));

export const addNumberTrace = (a: Trace, k: number): Trace =>
  new Trace(a.length, (weights, sink) => {
    sink.partial(a, 0, weights);
    sink.constant(k, weights);
  });

/** The caller's values may change afterwards: they are copied. */
export function mulPublicTrace(field: Field, a: Trace, values: Vector): Trace {
  const kept = field.alloc(values.length);
  field.copy(kept, values);
  return elementwise(field, a, (own, weights) => field.mul(own, weights, kept));
}

export const totalTrace = (field: Field, a: Trace): Trace =>
  elementwise(
    field,
    a,
    (own, weight) => {
      field.fill(own, 0);
      field.add(own, own, weight);
    },
    1,
  );

export const prefixSumsTrace = (field: Field, a: Trace): Trace =>
  elementwise(field, a, (own, weights) => {
    // Element i counts in the prefix sums i, i + 1, ...: total - prefix_i + w_i.
    withScratch(field, 1, (total) => {
      field.sum(total, weights);
      field.prefixSums(own, weights);
      field.sub(own, weights, own);
      field.add(own, own, total);
    });
  });

export const blockSumsTrace = (field: Field, a: Trace, blockLength: number): Trace =>
  elementwise(
    field,
    a,
    (own, weights) => {
      field.fill(own, 0);
      for (let block = 0; block * blockLength < own.length; block++) {
        const to = Math.min((block + 1) * blockLength, own.length);
        const part = own.slice(block * blockLength, to);
        field.add(part, part, weights.slice(block, block + 1));
      }
    },
    Math.ceil(a.length / blockLength),
  );

export const sliceTrace = (a: Trace, from: number, to: number): Trace =>
  new Trace(to - from, (weights, sink) => sink.partial(a, from, weights));

export function concatTrace(parts: readonly Trace[]): Trace {
  const length = parts.reduce((total, part) => total + part.length, 0);
  return new Trace(length, (weights, sink) => {
    let at = 0;
    for (const part of parts) {
      sink.partial(part, 0, weights.slice(at, at + part.length));
      at += part.length;
    }
  });
}

export const gatherTrace = (a: Trace, indices: Uint32Array): Trace =>
  new Trace(indices.length, (weights, sink) => {
    indices.forEach((from, i) => {
      sink.partial(a, from, weights.slice(i, i + 1));
    });
  });

export const scatterTrace = (field: Field, a: Trace, indices: Uint32Array): Trace =>
  elementwise(field, a, (own, weights) => {
    const list = field.memory.allocIndices(indices.length);
    field.memory.indices(list).set(indices);
    field.gather(own, weights, list);
    field.memory.freeIndices(list);
  });

/** A step whose transpose writes the weights of `a` as a whole. */
function elementwise(
  field: Field,
  a: Trace,
  transpose: (own: Vector, weights: Vector) => void,
  length = a.length,
): Trace {
  return new Trace(length, (weights, sink) => {
    withScratch(field, a.length, (own) => {
      transpose(own, weights);
      sink.partial(a, 0, own);
    });
  });
}

function withScratch(field: Field, length: number, work: (scratch: Vector) => void): void {
  const scratch = field.alloc(length);
  work(scratch);
  field.free(scratch);
}
