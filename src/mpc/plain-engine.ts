// The reference engine: one party that computes on clear values. Protocol code run on it must give what any
// other engine gives on shares. Nothing is private here.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { Engine, EngineStats, Factors, PassPermutation } from "./engine.ts";
import { LinearEngine } from "./linear-engine.ts";
import { permutationFrom } from "./permutation.ts";
import { Partial, Secret } from "./shared.ts";

export class PlainEngine extends LinearEngine implements Engine {
  readonly name = "plain";
  readonly parties = 1;
  readonly security = "semi-honest";
  readonly shufflePasses = 1;
  readonly stats: EngineStats = { rounds: 0, elementsSent: 0 };
  private readonly primitives: Primitives;

  constructor(field: Field, primitives: Primitives) {
    super(field);
    this.primitives = primitives;
  }

  protected constantFactors(): readonly [1] {
    return [1];
  }

  partial(a: Secret): Partial {
    const [x] = a.components;
    const copy = this.field.alloc(a.length);
    this.field.copy(copy, x!);
    return new Partial([copy], true);
  }

  partialProducts(factors: Factors): Partial {
    return new Partial([this.products(factors)], true);
  }

  partialDots(factors: Factors): Partial {
    const result = this.field.alloc(factors.length);
    factors.forEach(([x, y], index) => {
      this.field.dot(result.slice(index, index + 1), x.components[0]!, y.components[0]!);
    });
    return new Partial([result], true);
  }

  async reshare(a: Partial): Promise<Secret> {
    const copy = this.field.alloc(a.length);
    this.field.copy(copy, a.components[0]!);
    return new Secret([copy], true);
  }

  async mulSum(factors: Factors, plus?: Secret | Partial): Promise<Secret> {
    const result = this.products(factors);
    if (plus !== undefined) this.field.add(result, result, plus.components[0]!);
    return new Secret([result], true);
  }

  async open(a: Secret | Partial): Promise<Vector> {
    const copy = this.field.alloc(a.length);
    this.field.copy(copy, a.components[0]!);
    return copy;
  }

  openVerified(a: Secret | Partial): Promise<Vector> {
    return this.open(a);
  }

  async randomBits(count: number): Promise<Secret> {
    const bytes = this.primitives.randomBytes(Math.ceil(count / 8));
    const bits = Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 3]! >> (i & 7)) & 1);
    return this.constant(bits);
  }

  async random(count: number): Promise<Secret> {
    const words = this.field.alloc(count);
    this.field.setBytes(words, this.primitives.randomBytes(8 * count));
    this.field.maskPrg(words);
    return new Secret([words], true);
  }

  async coin(): Promise<Uint8Array> {
    return this.primitives.randomBytes(32);
  }

  async stockMasks(): Promise<void> {}

  assertZero(): void {}

  async checkpoint(): Promise<void> {}

  async drawPermutation(pass: number, length: number): Promise<PassPermutation> {
    const indices = permutationFrom(this.primitives, this.primitives.randomBytes(32), length);
    return { pass, indices, length };
  }

  async permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]> {
    return columns.map((column) =>
      back ? this.scatter(column, by.indices!) : this.gather(column, by.indices!),
    );
  }

  async reveal(values: readonly Secret[]): Promise<Uint8Array[]> {
    return values.map((value) => this.field.toBytes(value.components[0]!));
  }

  private products(factors: Factors): Vector {
    const [first] = factors;
    const result = this.field.alloc(first![0].length);
    this.field.fill(result, 0);
    for (const [x, y] of factors) {
      this.field.multiplyAdd(result, x.components[0]!, y.components[0]!);
    }
    return result;
  }
}
