// Shows a test what the dealer engines of this process are about to open, go on with and take for verified, so that it
// can have one of them lie; or has them leave out the checks. Engines are told apart by their fields.
import type { Field } from "../../src/field/field.ts";
import type { Vector } from "../../src/field/memory.ts";
import { DealerEngine } from "../../src/mpc/dealer-engine.ts";
import { Openings } from "../../src/mpc/dealer-openings.ts";
import { Multiplier } from "../../src/mpc/dealer-products.ts";
import type { MessageKind } from "../../src/mpc/network.ts";
import type { Secret } from "../../src/mpc/shared.ts";

/** May change this evaluator's shares of values and of their codes. */
export type Change = (values: Vector, codes: Vector) => void;

export interface EngineWatch {
  /** Before an opening takes its tag; what it gives is called when the shares are there. */
  opening(field: Field, kind: MessageKind): Change;
  /** Before a product begins; what it gives is called when the product is there. */
  product(field: Field): Change;
  /** Before an evaluator promises its share of a check. */
  checking(field: Field, share: Vector): void;
  /** Values that an engine takes for verified. */
  verified(field: Field, values: Vector): void;
  readonly withoutChecks: boolean;
}

/** What the classes keep to themselves, as far as the watch needs it. */
interface Internals {
  readonly tools: { readonly field: Field };
  readonly field: Field;
  expectZero(share: Vector): Promise<void>;
}

const internals = (of: object) => of as Internals;

/** Watches from here on; to be undone by calling what it returns. */
export function watchEngines(watch: EngineWatch): () => void {
  const undo = [watchOpenings(watch), watchProducts(watch), watchVerified(watch)];
  return () => {
    for (const one of undo) one();
  };
}

function watchOpenings(watch: EngineWatch): () => void {
  const openings = Openings.prototype;
  const { begin, check } = openings;
  const { expectZero } = internals(openings);
  openings.begin = function (kind, length, shares, ready, use) {
    if (length === 0) return begin.call(this, kind, length, shares, ready, use) as never;
    const change = watch.opening(internals(this).tools.field, kind);
    const apply = (own: Awaited<typeof shares>) => {
      change(own.values, own.codes);
      return own;
    };
    const changed = shares instanceof Promise ? shares.then(apply) : apply(shares);
    return begin.call(this, kind, length, changed, ready, use as never) as never;
  };
  internals(openings).expectZero = function (this: Openings, share) {
    watch.checking(internals(this).tools.field, share);
    return expectZero.call(this as never, share);
  };
  if (watch.withoutChecks) openings.check = () => Promise.resolve();
  return () => Object.assign(openings, { begin, check, expectZero });
}

function watchProducts(watch: EngineWatch): () => void {
  const multiplier = Multiplier.prototype;
  const { products, dots } = multiplier;
  const watched = (own: Multiplier, product: () => Promise<Secret>) => {
    const change = watch.product(internals(own).field);
    return product().then((secret) => {
      const [values, codes] = secret.components;
      if (secret.length > 0) change(values!, codes!);
      return secret;
    });
  };
  multiplier.products = function (factors) {
    return watched(this, () => products.call(this, factors));
  };
  multiplier.dots = function (factors) {
    return watched(this, () => dots.call(this, factors));
  };
  return () => Object.assign(multiplier, { products, dots });
}

function watchVerified(watch: EngineWatch): () => void {
  const engine = DealerEngine.prototype;
  const { openVerified } = engine;
  engine.openVerified = async function (a) {
    const values = await openVerified.call(this, a);
    watch.verified(this.field, values);
    return values;
  };
  return () => Object.assign(engine, { openVerified });
}
