// Bits that two of three evaluators know, in the form of a sharing (replicated-engine.ts).
import type { Field } from "../field/field.ts";
import { Secret } from "./shared.ts";

/**
 * Bits known to evaluators `holder` and `holder` - 1 only: component `holder` carries them. `own` are the bits that
 * evaluator `party` has with the previous one, `shared` those with the next one.
 */
export function commonBits(
  field: Field,
  party: number,
  holder: number,
  own: Uint8Array,
  shared: Uint8Array,
): Secret {
  const components = [party, (party + 1) % 3].map((index, position) => {
    const component = field.alloc(own.length);
    if (index === holder) field.setNumbers(component, position === 0 ? own : shared);
    else field.fill(component, 0);
    return component;
  });
  return new Secret(components, true);
}
