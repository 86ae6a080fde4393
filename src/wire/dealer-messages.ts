// What a dealer is asked on a link. Requests are JSON on one tag, answered by number: request k, from 0, of a link is
// answered by one message on tag answers + k, whose length both sides know, or the link ends.
//   operator: open -> the session's name; masks -> what they are
//   evaluator: join -> its seed; evaluator 0 then: material, shuffle -> corrections
import { z } from "zod";
import { LIMITS } from "../platform/limits.ts";
import { MAX_PARTIES } from "./setting.ts";

export const DEALER_TAGS = { requests: 1, answers: 16 } as const;

export const MAX_DEALER_REQUEST_BYTES = 1024;
/** Elements of material dealt at once. */
export const MATERIAL_AT_ONCE = 8192;
/** A session's name, and an evaluator's seed in it. */
export const SESSION_BYTES = 16;
export const SESSION_SEED_BYTES = 16;

/** A session's name as text. */
export const sessionText = (name: Uint8Array): string =>
  Array.from(name, (byte) => byte.toString(16).padStart(2, "0")).join("");

const session = z.string().regex(new RegExp(`^[0-9a-f]{${2 * SESSION_BYTES}}$`));
/** Columns of a shuffle at most. */
const MAX_COLUMNS = 16;

export const dealerRequestSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("open"), parties: z.int().min(2).max(MAX_PARTIES) }),
  z.strictObject({
    type: z.literal("masks"),
    session,
    kind: z.enum(["inputs", "outputs"]),
    count: z.int().min(1).max(LIMITS.orders),
  }),
  z.strictObject({ type: z.literal("join"), session }),
  z.strictObject({
    type: z.literal("material"),
    kind: z.enum(["triples", "scalings", "random", "bits", "inputs", "outputs"]),
  }),
  z.strictObject({
    type: z.literal("shuffle"),
    pass: z
      .int()
      .min(0)
      .max(MAX_PARTIES - 1),
    draw: z.int().min(0),
    columns: z.int().min(1).max(MAX_COLUMNS),
    length: z.int().min(1).max(LIMITS.orders),
    back: z.boolean(),
  }),
]);
export type DealerRequest = z.infer<typeof dealerRequestSchema>;
