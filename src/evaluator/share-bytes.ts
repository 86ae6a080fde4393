// An evaluator's shares of whole vectors as bytes, the way they are kept: vector after vector, in each component after
// component (one component of a Shamir sharing, two of a replicated one), and arithmetic on them without the others.
import type { Field } from "../field/field.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import { LocalShares } from "../mpc/local-shares.ts";
import { Secret } from "../mpc/shared.ts";
import { assert } from "../platform/assert.ts";
import type { Setting } from "../wire/setting.ts";

/** What one evaluator holds of an element. */
export const componentsOf = ({ engine }: Pick<Setting, "engine">): number =>
  engine === "replicated" ? 2 : 1;

/** The vectors of `length` elements in some bytes. */
export function secretsIn(
  field: Field,
  setting: Pick<Setting, "engine">,
  bytes: Uint8Array,
  length: number,
): Secret[] {
  if (length === 0) return [];
  const vectorBytes = componentsOf(setting) * length * ELEMENT_BYTES;
  assert(bytes.length % vectorBytes === 0, "kept shares are whole vectors");
  return Array.from({ length: bytes.length / vectorBytes }, (_, v) => {
    const components = Array.from({ length: componentsOf(setting) }, (__, c) => {
      const at = v * vectorBytes + c * length * ELEMENT_BYTES;
      const component = field.alloc(length);
      field.setBytes(component, bytes.subarray(at, at + length * ELEMENT_BYTES));
      return component;
    });
    return new Secret(components, true);
  });
}

/** The inverse. */
export function bytesOfSecrets(field: Field, secrets: readonly Secret[]): Uint8Array {
  const parts = secrets.flatMap(({ components }) => components.map((one) => field.toBytes(one)));
  return new Uint8Array(Buffer.concat(parts));
}

/** Evaluator `party`'s arithmetic on its own shares. */
export function localShares(
  field: Field,
  setting: Pick<Setting, "engine">,
  party: number,
): LocalShares {
  if (setting.engine !== "replicated") return new LocalShares(field, [1]);
  // Component 0 carries constants: evaluator 0 holds it first, evaluator 2 second.
  return new LocalShares(field, [party === 0 ? 1 : 0, party === 2 ? 1 : 0]);
}
