// What an operator's program and an evaluator say to each other on a link: JSON commands and answers on one
// tag, and the shares of a clearing as raw bytes on others. Checked with schemas on arrival.
import { z } from "zod";
import { LIMITS } from "../platform/limits.ts";

/** Tags of an operator's link. Order shares come as two components, results go back as one message each. */
export const TAGS = {
  commands: 1,
  firstComponent: 2,
  secondComponent: 3,
  orderResults: 4,
  supplierResults: 5,
} as const;

/** Largest JSON message: the list of rejected orders is the longest. */
export const MAX_JSON_BYTES = 128 * 1024;

const address = z.strictObject({ host: z.string(), port: z.int().min(1).max(65535) });

const peersCommand = z.strictObject({
  type: z.literal("peers"),
  /** Where each evaluator listens, by number. */
  evaluators: z.array(address).length(3),
});

const clearCommand = z.strictObject({
  type: z.literal("clear"),
  count: z.int().min(0).max(LIMITS.orders),
  priceBits: z.int().min(4).max(16),
  energyBits: z.int().min(8).max(24),
  priceRule: z.enum(["midpoint", "upper", "lower"]),
  rationing: z.enum(["pro-rata", "priority"]),
  /** Per supplier, whether it may learn its sums. */
  revealedSuppliers: z.array(z.boolean()).max(16),
});
export type ClearCommand = z.infer<typeof clearCommand>;

export const commandSchema = z.discriminatedUnion("type", [peersCommand, clearCommand]);
export type Command = z.infer<typeof commandSchema>;

const clearedAnswer = z.strictObject({
  type: z.literal("cleared"),
  traded: z.boolean(),
  priceTick: z.int().min(0).nullable(),
  /** Orders that failed a check, and why; at most MAX_REJECTED_LISTED of them, and how many in all. */
  rejected: z.array(z.tuple([z.int().min(0), z.enum(["inconsistent-shares", "invalid-order"])])),
  rejectedCount: z.int().min(0),
  /** The public coin of the priority order, 32 bytes in hexadecimal. */
  coin: z.string().regex(/^[0-9a-f]{64}$/),
  offlineMs: z.number(),
  onlineMs: z.number(),
  bytesSent: z.int(),
  rounds: z.int(),
  onlineRounds: z.int(),
  peakRssBytes: z.int(),
});
export type ClearedAnswer = z.infer<typeof clearedAnswer>;

export const MAX_REJECTED_LISTED = 2000;

export const answerSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("phase"), phase: z.enum(["offline", "online"]) }),
  clearedAnswer,
  z.strictObject({ type: z.literal("failed"), message: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;

export const encodeJson = (message: Command | Answer): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(message));

/** Thrown by decodeJson: the message is not what the protocol says. */
export class MessageError extends Error {
  override readonly name = "MessageError";
}

/** Parses and checks a message; throws MessageError saying what is wrong. */
export function decodeJson<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new MessageError("the message is not JSON");
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new MessageError(z.prettifyError(result.error));
  return result.data;
}
