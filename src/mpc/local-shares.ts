// Linear arithmetic on shares that one party keeps, outside of any session: nothing is sent.
import type { Field } from "../field/field.ts";
import type { LocalEngine } from "./engine.ts";
import { type ConstantFactor, LinearEngine } from "./linear-engine.ts";

export class LocalShares extends LinearEngine implements LocalEngine {
  private readonly factors: readonly ConstantFactor[];

  /** `factors` as of LinearEngine: how this party adds a public constant to each component of its shares. */
  constructor(field: Field, factors: readonly ConstantFactor[]) {
    super(field);
    this.factors = factors;
  }

  protected constantFactors(): readonly ConstantFactor[] {
    return this.factors;
  }
}
