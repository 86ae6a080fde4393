// Partials of an engine whose products take a round before they exist at all: each is the promise of a Secret. What is
// linear is chained on the promise, by the code that computes it for Secrets.
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import { LinearEngine } from "./linear-engine.ts";
import { Partial, Secret } from "./shared.ts";

type Shared = Secret | Partial;

/** A Secret that may still be on its way. */
export class PromisedPartial extends Partial {
  readonly promise: Promise<Secret>;
  /** The Secret once it is there. */
  secret: Secret | null;
  private readonly promisedLength: number;

  constructor(length: number, value: Secret | Promise<Secret>) {
    super([], true);
    this.promisedLength = length;
    this.secret = value instanceof Secret ? value : null;
    this.promise = Promise.resolve(value);
  }

  override get length(): number {
    return this.promisedLength;
  }
}

export abstract class PromisingEngine extends LinearEngine {
  /** How many promises are not kept yet, and what is freed when there are none. */
  private unkept = 0;
  private toFree: Shared[] = [];
  private over: boolean = false;

  override add<T extends Shared>(a: T, b: T): T {
    return this.lift([a, b], a.length, ([x, y]) => super.add(x!, y!));
  }

  override sub<T extends Shared>(a: T, b: T): T {
    return this.lift([a, b], a.length, ([x, y]) => super.sub(x!, y!));
  }

  override scale<T extends Shared>(a: T, k: number): T {
    return this.lift([a], a.length, ([x]) => super.scale(x!, k));
  }

  override addNumber<T extends Shared>(a: T, k: number): T {
    return this.lift([a], a.length, ([x]) => super.addNumber(x!, k));
  }

  override mulPublic<T extends Shared>(a: T, values: Vector): T {
    if (!(a instanceof PromisedPartial) || a.secret !== null) {
      return this.lift([a], a.length, ([x]) => super.mulPublic(x!, values));
    }
    // The caller may free or change the public vector before the product is there.
    const kept = this.field.alloc(values.length);
    this.field.copy(kept, values);
    return this.lift([a as T], a.length, ([x]) => {
      const product = super.mulPublic(x!, kept);
      this.field.free(kept);
      return product;
    });
  }

  override sum<T extends Shared>(a: T): T {
    return this.lift([a], 1, ([x]) => super.sum(x!));
  }

  override prefixSums<T extends Shared>(a: T): T {
    return this.lift([a], a.length, ([x]) => super.prefixSums(x!));
  }

  override blockSums<T extends Shared>(a: T, blockLength: number): T {
    const blocks = Math.ceil(a.length / blockLength);
    return this.lift([a], blocks, ([x]) => super.blockSums(x!, blockLength));
  }

  override slice<T extends Shared>(a: T, from: number, to: number): T {
    return this.lift([a], to - from, ([x]) => super.slice(x!, from, to));
  }

  override concat<T extends Shared>(parts: readonly T[]): T {
    const length = parts.reduce((total, part) => total + part.length, 0);
    return this.lift(parts, length, (values) => super.concat(values));
  }

  override gather<T extends Shared>(a: T, indices: Uint32Array): T {
    return this.lift([a], indices.length, ([x]) => super.gather(x!, indices));
  }

  override scatter<T extends Shared>(a: T, indices: Uint32Array): T {
    return this.lift([a], a.length, ([x]) => super.scatter(x!, indices));
  }

  /** Partials only when nothing is under way that may need them, for what is chained is computed later. */
  override free(...values: Shared[]): void {
    for (const value of values) {
      if (value instanceof Secret) super.free(value);
      else this.toFree.push(value);
    }
    this.freeIfIdle();
  }

  override end(): void {
    this.over = true;
    this.toFree = [];
    super.end();
  }

  partial(a: Secret): Partial {
    return new PromisedPartial(a.length, this.copied(a));
  }

  /** A copy with memory of its own. */
  protected copied(a: Secret): Secret {
    const components = a.components.map((component) => {
      const own = this.field.alloc(a.length);
      this.field.copy(own, component);
      return own;
    });
    return new Secret(components, true);
  }

  /** The Partial that `work` gives. */
  protected promised(length: number, work: Promise<Secret>): Partial {
    const partial = new PromisedPartial(
      length,
      this.underWay(
        work.then((secret) => {
          partial.secret = secret;
          return secret;
        }),
      ),
    );
    partial.promise.catch(() => {}); // A failure is for whoever awaits the Partial, if anybody does.
    return partial;
  }

  /** Nothing that was a Partial is freed before `work` has ended. */
  protected async underWay<T>(work: Promise<T>): Promise<T> {
    this.unkept += 1;
    try {
      return await work;
    } finally {
      this.unkept -= 1;
      this.freeIfIdle();
    }
  }

  protected secretOf(a: Shared): Secret | Promise<Secret> {
    if (a instanceof Secret) return a;
    assert(a instanceof PromisedPartial, "a Partial is one of this engine's");
    return a.secret ?? a.promise;
  }

  private lift<T extends Shared>(
    inputs: readonly T[],
    length: number,
    apply: (values: readonly Secret[]) => Secret,
  ): T {
    const [first] = inputs;
    assert(first !== undefined, "an operation needs at least one operand");
    const secrets = inputs.filter((input) => input instanceof Secret);
    if (secrets.length === inputs.length) return apply(secrets as readonly Secret[]) as T;
    assert(secrets.length === 0, "operands must be of one kind");
    const values = inputs.map((input) => this.secretOf(input));
    const known = values.filter((value) => value instanceof Secret);
    if (known.length === values.length) {
      return new PromisedPartial(length, apply(known)) as Partial as T;
    }
    const computed = Promise.all(values).then((all) => {
      assert(!this.over, "the session has ended");
      return apply(all);
    });
    return this.promised(length, computed) as T;
  }

  private freeIfIdle(): void {
    if (this.unkept > 0 || this.over) return;
    const idle = this.toFree;
    this.toFree = [];
    for (const value of idle) {
      const secret = value instanceof PromisedPartial ? value.secret : null;
      if (secret !== null) super.free(secret);
    }
  }
}
