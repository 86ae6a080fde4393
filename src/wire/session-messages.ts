// What an operator's program and an evaluator say to each other on a link: JSON commands and answers on one
// tag, and the shares of a clearing as raw bytes on others. Checked with schemas on arrival.
//   peers -> ready
//   clear, the streams of order shares -> phase, phase, cleared; after a crash with a higher attempt once more
//   fetch -> the results of that attempt
//   finish -> finished: the clearing is over, and nothing more will be said of it
// Instead of any answer: failed.
import { z } from "zod";
import { LIMITS } from "../platform/limits.ts";
import { MAX_PARTIES } from "./setting.ts";
import { settingSchema } from "./setting-schema.ts";

/** Tags of an operator's link. Results go back as one message each; stream k of order shares has tag orders + k. */
export const TAGS = {
  commands: 1,
  orderResults: 2,
  supplierResults: 3,
  orders: 4,
} as const;

/** Largest JSON message: the list of rejected orders is the longest. */
export const MAX_JSON_BYTES = 128 * 1024;

const address = z.strictObject({ host: z.string(), port: z.int().min(1).max(65535) });

const peersCommand = z.strictObject({
  type: z.literal("peers"),
  /** Where each evaluator listens, by number; null for one that is known not to be there. */
  evaluators: z.array(address.nullable()).min(2).max(MAX_PARTIES),
  /** How many of them have to be there. */
  quorum: z.int().min(2).max(MAX_PARTIES),
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
  setting: settingSchema,
  /** Where the dealer of this clearing is, and by which name it knows the clearing; null without a dealer. */
  dealing: z.strictObject({ ...address.shape, id: z.string().regex(/^[0-9a-f]{32}$/) }).nullable(),
});
export type ClearCommand = z.infer<typeof clearCommand>;

/** Attempts at one clearing are numbered from 1. */
const attempt = z.int().min(1);

const fetchCommand = z.strictObject({ type: z.literal("fetch"), attempt });
const finishCommand = z.strictObject({ type: z.literal("finish") });

export const commandSchema = z.discriminatedUnion("type", [
  peersCommand,
  clearCommand,
  fetchCommand,
  finishCommand,
]);
export type Command = z.infer<typeof commandSchema>;

const clearedAnswer = z.strictObject({
  type: z.literal("cleared"),
  attempt,
  /** The evaluators that computed, by number: results of the same ones and the same attempt belong together. */
  active: z.array(z.int().min(0)).min(2).max(MAX_PARTIES),
  traded: z.boolean(),
  priceTick: z.int().min(0).nullable(),
  /** Orders that failed a check, and why; at most MAX_REJECTED_LISTED of them, and how many in all. */
  rejected: z.array(z.tuple([z.int().min(0), z.enum(["inconsistent-shares", "invalid-order"])])),
  rejectedCount: z.int().min(0),
  /** The public coin of the priority order, 32 bytes in hexadecimal; null if that order is hidden. */
  coin: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  offlineMs: z.number(),
  onlineMs: z.number(),
  bytesSent: z.int(),
  elementsSent: z.int(),
  rounds: z.int(),
  onlineRounds: z.int(),
  peakRssBytes: z.int(),
});
export type ClearedAnswer = z.infer<typeof clearedAnswer>;

export const MAX_REJECTED_LISTED = 2000;

export const answerSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("phase"), phase: z.enum(["offline", "online"]), attempt }),
  clearedAnswer,
  z.strictObject({ type: z.literal("finished") }),
  z.strictObject({
    type: z.literal("failed"),
    message: z.string(),
    /** Some evaluator was found not to follow the protocol: nobody goes on. */
    lie: z.boolean(),
  }),
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
