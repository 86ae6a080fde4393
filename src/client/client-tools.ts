// What a client computes with, in Node or in a browser.
import type { Field } from "../field/field.ts";
import type { Clock } from "../platform/clock.ts";
import type { Primitives } from "../platform/primitives.ts";

export interface ClientTools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly clock?: Clock;
}
