// How engines make shared random bits from randomness they have for free.
import type { Engine } from "./engine.ts";
import type { Secret } from "./shared.ts";

/** x xor y for bits: x + y - 2 x y. Rounds: 1. */
export async function exclusiveOr(engine: Engine, x: Secret, y: Secret): Promise<Secret> {
  const minusTwoY = engine.scale(y, -2);
  const either = engine.add(x, y);
  const result = await engine.mulSum([[x, minusTwoY]], either);
  engine.free(minusTwoY, either);
  return result;
}
