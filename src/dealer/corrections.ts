// What evaluator 0 of a session is given of material, batch by batch.
import type { Field } from "../field/field.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { Dealing } from "../sharing/dealer.ts";
import { type DealerRequest, MATERIAL_AT_ONCE } from "../wire/dealer-messages.ts";

/** Asks for something that this party may not have. */
export class RefusedError extends Error {}

/** The answer to a request for corrections. Throws RefusedError when it is none. */
export function correctionsFor(
  { field, primitives }: { readonly field: Field; readonly primitives: Primitives },
  dealing: Dealing,
  request: DealerRequest,
): Uint8Array {
  const bytesOf = (vector: ReturnType<Dealing["corrections"]>) => {
    const bytes = field.toBytes(vector);
    field.free(vector);
    return bytes;
  };
  if (request.type === "material") {
    return bytesOf(dealing.corrections(request.kind, MATERIAL_AT_ONCE));
  }
  if (request.type === "shuffle") {
    const coin = dealing.permutationCoin(request.pass, request.draw);
    if (coin === null) throw new RefusedError("the session has fewer evaluators");
    const indices = permutationFrom(primitives, coin, request.length);
    return bytesOf(dealing.shuffleCorrections(request, indices));
  }
  throw new RefusedError("an evaluator joins and asks for corrections, no more");
}
