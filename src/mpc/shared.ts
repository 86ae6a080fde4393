// The two kinds of values that exist only as shares. Opaque to everything but the engine that made them:
// nothing here prints, compares or serialises an element.
import type { Vector } from "../field/memory.ts";

abstract class Shared {
  /** What this party holds: one vector per component of the sharing. For engines only. */
  readonly components: readonly Vector[];
  /** False for views on another value's elements, which are never freed themselves. */
  readonly owned: boolean;

  constructor(components: readonly Vector[], owned: boolean) {
    this.components = components;
    this.owned = owned;
  }

  get length(): number {
    return this.components[0]!.length;
  }

  toString(): string {
    return `[shared vector of ${this.length}]`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A vector of secret field elements, shared by the engine's scheme. */
export class Secret extends Shared {
  declare private readonly secretBrand: true;
}

/**
 * A vector of secret field elements straight after a local multiplication, before the round that makes it a
 * Secret again: an additive share, say. It can be added, summed, opened or reshared, but not multiplied.
 */
export class Partial extends Shared {
  declare private readonly partialBrand: true;
}
