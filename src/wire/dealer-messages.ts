// What a dealer is asked on a link. Requests are JSON on one tag, answered by number: request k, from 0, of a link is
// answered by one message on tag answers + k, whose length both sides know, or the link ends.
//   operator: open -> the session's name; masks -> what they are
//   evaluator: join -> its seed; evaluator 0 then: material, shuffle -> corrections
// With a market's dealer, evaluators begin with an attempt, evaluator 0 sends the names of its rows behind it, on
// another tag; when all have named the same ones, each is told the session's name and its seed. There are no operators.
// The closing of a month is asked for in the same way: named are its meters and settlements (month-names.ts), and each
// is told the session's name and the moves of its masks.
import { z } from "zod";
import { LIMITS } from "../platform/limits.ts";
import { fromHex } from "./hex.ts";
import type { BodyKind } from "./order-body.ts";
import { MAX_PARTIES } from "./setting.ts";

export const DEALER_TAGS = { requests: 1, rows: 2, answers: 16 } as const;

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
const MOST_SUPPLIERS = 16;

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
    kind: z.enum(["triples", "scalings", "random", "bits", "inputs", "outputs", "rows", "results"]),
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

/** The name of one mask: whose row it hides, and what its meter chose for this row alone. */
const METER_BYTES = 16;
export const NONCE_BYTES = 16;
export const MASK_NAME_BYTES = METER_BYTES + NONCE_BYTES;

/** Writes the name of row `index`, whose piece begins with the nonce (market/order-pieces.ts), among others. */
export function writeMaskName(
  names: Uint8Array,
  index: number,
  meter: string,
  piece: Uint8Array,
): void {
  const at = index * MASK_NAME_BYTES;
  names.set(fromHex(meter), at);
  names.set(piece.subarray(0, NONCE_BYTES), at + METER_BYTES);
}

const MASKED_KINDS = ["order", "reading"] as const satisfies readonly BodyKind[];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const supplierList = z.array(z.int().min(0)).max(MOST_SUPPLIERS);
/** A session that led to a decision. */
const sessionFields = { attempt: z.int().min(1), session };
/** A month has 8,928 periods of 5 minutes; a rehearsal's periods may take seconds. */
const MOST_SETTLEMENTS = 100_000;
/** Names of a month: 10,000 meters with periods of 5 minutes, or 30,000 with quarters of an hour. */
export const MOST_MONTH_BYTES = 16 * 2 ** 20;

/** The first request of an evaluator of a market: what is computed in the session that it asks for. */
export const attemptRequestSchema = z.strictObject({
  type: z.literal("attempt"),
  kind: z.enum(MASKED_KINDS),
  /** Start of the settlement period, in seconds since 1970 UTC. */
  periodStart: z.int().min(0),
  attempt: z.int().min(1),
  /** How many rows, and the SHA-256 of their masks' names, one after the other in the order of meters. */
  count: z.int().min(0).max(LIMITS.orders),
  digest: sha256,
  /** The suppliers that are told something, in this order, after every row's meter. */
  suppliers: supplierList,
  /** Whether readings are settled for the second time, when their month is closed. */
  correction: z.boolean().optional(),
  /** Of readings: the clearing whose trades they are compared with; absent where nothing was cleared. */
  trades: z
    .strictObject({ ...sessionFields, orders: z.int().min(1).max(LIMITS.orders) })
    .optional(),
});
export type AttemptRequest = z.infer<typeof attemptRequestSchema>;

/** The first request of an evaluator where a month is closed. */
export const closingRequestSchema = z.strictObject({
  type: z.literal("closing"),
  /** Start of the month's first settlement period, in seconds since 1970 UTC. */
  periodStart: z.int().min(0),
  attempt: z.int().min(1),
  /** How many meters have a bill, of how many settled periods, and the SHA-256 of their names (month-names.ts). */
  meters: z.int().min(0).max(LIMITS.orders),
  settlements: z.int().min(0).max(MOST_SETTLEMENTS),
  digest: sha256,
  /** The suppliers that are told their positions; those of all others stay open. */
  suppliers: supplierList,
  /** The closing before, and the suppliers whose positions it left open; absent for a market's first month. */
  before: z
    .strictObject({ periodStart: z.int().min(0), ...sessionFields, open: supplierList })
    .optional(),
});
export type ClosingRequest = z.infer<typeof closingRequestSchema>;

/** What an evaluator of a market may begin with. */
export const firstRequestSchema = z.discriminatedUnion("type", [
  attemptRequestSchema,
  closingRequestSchema,
]);
export type FirstRequest = z.infer<typeof firstRequestSchema>;

/** Numbers that are told to each order's meter, and of a clearing to each supplier: bought, sold. */
export const RESULTS_PER_ROW = 1;
export const RESULTS_PER_SUPPLIER = 2;
/** Of a settlement, to each supplier: imported, exported, its position; 0 in place of what is withheld. */
export const SETTLED_PER_SUPPLIER = 3;
/** Kept masked by evaluators: of each order, net and bought; of each settled meter, the components of its amount. */
export const TRADES_PER_ORDER = 2;
export const COMPONENTS_PER_METER = 4;
/** Moved when a month is closed: the components of each meter's bill, and their sum for its supplier. */
export const MOVES_PER_METER = COMPONENTS_PER_METER + 1;
