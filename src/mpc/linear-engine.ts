// The local half of every engine with a linear secret-sharing scheme: the same operation on each component
// of a sharing. An engine says only how a public constant is shared.
import type { Field } from "../field/field.ts";
import type { IndexVector, Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import type { SignedTerm } from "./engine.ts";
import { Partial, Secret } from "./shared.ts";

type Shared = Secret | Partial;

export type ConstantFactor = 0 | 1 | Vector;

/** Elements worked on at once by operations that read several long vectors. */
const CHUNK = 4096;

export abstract class LinearEngine {
  readonly field: Field;

  constructor(field: Field) {
    this.field = field;
  }

  /**
   * How a public constant is added to each of a sharing's components at this party: not at all (0), as it is (1),
   * or times a vector of length 1. E.g. for replicated sharing evaluator 0 adds it to its first component,
   * evaluator 2 to its second, evaluator 1 to none.
   */
  protected abstract constantFactors(kind: "secret" | "partial"): readonly ConstantFactor[];

  constant(values: ArrayLike<number>): Secret {
    const clear = this.field.alloc(values.length);
    this.field.setNumbers(clear, values);
    const secret = this.fromPublic(clear);
    this.field.free(clear);
    return secret;
  }

  fromPublic(values: Vector): Secret {
    const components = this.constantFactors("secret").map((factor) => {
      const component = this.field.alloc(values.length);
      if (factor === 0) this.field.fill(component, 0);
      else if (factor === 1) this.field.copy(component, values);
      else this.field.mul(component, values, factor);
      return component;
    });
    return new Secret(components, true);
  }

  add<T extends Shared>(a: T, b: T): T {
    return this.map2(a, b, (dst, x, y) => this.field.add(dst, x, y));
  }

  sub<T extends Shared>(a: T, b: T): T {
    return this.map2(a, b, (dst, x, y) => this.field.sub(dst, x, y));
  }

  signedSum(terms: readonly SignedTerm[], constant: number): Secret {
    const [first] = terms;
    assert(first !== undefined, "a sum needs at least one term");
    const factors = this.constantFactors("secret");
    return this.map(first.value, first.value.length, (dst, _, index) => {
      // Chunk by chunk, so that the sum stays in the cache while the terms are read.
      for (let from = 0; from < dst.length; from += CHUNK) {
        const to = Math.min(from + CHUNK, dst.length);
        const sum = dst.slice(from, to);
        const part = (of: Secret) => of.components[index]!.slice(from, to);
        if (first.positive) this.field.copy(sum, part(first.value));
        else this.field.neg(sum, part(first.value));
        for (const { value, positive } of terms.slice(1)) {
          if (positive) this.field.add(sum, sum, part(value));
          else this.field.sub(sum, sum, part(value));
        }
        if (constant !== 0) this.addConstant(sum, sum, constant, factors[index]!);
      }
    });
  }

  scale<T extends Shared>(a: T, k: number): T {
    return this.map(a, a.length, (dst, x) => this.field.scale(dst, x, k));
  }

  addNumber<T extends Shared>(a: T, k: number): T {
    const factors = this.constantFactors(a instanceof Secret ? "secret" : "partial");
    return this.map(a, a.length, (dst, x, index) => this.addConstant(dst, x, k, factors[index]!));
  }

  mulPublic<T extends Shared>(a: T, values: Vector): T {
    return this.map(a, a.length, (dst, x) => this.field.mul(dst, x, values));
  }

  sum<T extends Shared>(a: T): T {
    return this.map(a, 1, (dst, x) => this.field.sum(dst, x));
  }

  prefixSums<T extends Shared>(a: T): T {
    return this.map(a, a.length, (dst, x) => this.field.prefixSums(dst, x));
  }

  blockSums<T extends Shared>(a: T, blockLength: number): T {
    const blocks = Math.ceil(a.length / blockLength);
    return this.map(a, blocks, (dst, x) => this.field.blockSums(dst, x, blockLength));
  }

  slice<T extends Shared>(a: T, from: number, to: number): T {
    const views = a.components.map((component) => component.slice(from, to));
    return this.like(a, views, false);
  }

  concat<T extends Shared>(parts: readonly T[]): T {
    const first = parts[0];
    assert(first !== undefined, "concat needs at least one part");
    const length = parts.reduce((total, part) => total + part.length, 0);
    return this.map(first, length, (dst, _, index) => {
      let at = 0;
      for (const part of parts) {
        this.field.copy(dst.slice(at, at + part.length), part.components[index]!);
        at += part.length;
      }
    });
  }

  gather<T extends Shared>(a: T, indices: Uint32Array): T {
    return this.withIndices(indices, (list) =>
      this.map(a, indices.length, (dst, x) => this.field.gather(dst, x, list)),
    );
  }

  scatter<T extends Shared>(a: T, indices: Uint32Array): T {
    return this.withIndices(indices, (list) =>
      this.map(a, a.length, (dst, x) => this.field.scatter(dst, x, list)),
    );
  }

  tile<T extends Shared>(a: T, count: number): T {
    return this.concat(new Array<T>(count).fill(a));
  }

  free(...values: Shared[]): void {
    for (const value of values) {
      if (value.owned) for (const component of value.components) this.field.free(component);
    }
  }

  end(): void {
    this.field.memory.reset();
  }

  /** Runs `work` with the indices in field memory. */
  private withIndices<T>(indices: Uint32Array, work: (list: IndexVector) => T): T {
    const { memory } = this.field;
    const list = memory.allocIndices(indices.length);
    memory.indices(list).set(indices);
    const result = work(list);
    memory.freeIndices(list);
    return result;
  }

  private addConstant(dst: Vector, x: Vector, k: number, factor: ConstantFactor): void {
    if (factor === 0) {
      if (dst !== x) this.field.copy(dst, x);
    } else if (factor === 1) {
      this.field.addNumber(dst, x, k);
    } else {
      const term = this.field.alloc(1);
      this.field.scale(term, factor, k);
      this.field.add(dst, x, term);
      this.field.free(term);
    }
  }

  private map<T extends Shared>(
    a: T,
    length: number,
    apply: (dst: Vector, x: Vector, index: number) => void,
  ): T {
    const components = a.components.map((component, index) => {
      const dst = this.field.alloc(length);
      apply(dst, component, index);
      return dst;
    });
    return this.like(a, components, true);
  }

  private map2<T extends Shared>(
    a: T,
    b: T,
    apply: (dst: Vector, x: Vector, y: Vector) => void,
  ): T {
    assert(a instanceof Secret === b instanceof Secret, "operands must be of one kind");
    return this.map(a, a.length, (dst, x, index) => apply(dst, x, b.components[index]!));
  }

  private like<T extends Shared>(a: T, components: readonly Vector[], owned: boolean): T {
    const result =
      a instanceof Secret ? new Secret(components, owned) : new Partial(components, owned);
    return result as T;
  }
}
