// What an evaluator keeps with a settlement or a closing besides long vectors, as JSON: its shares of what suppliers
// may learn, and what later decisions need. It is its own, and never given to anybody as a whole.
import { z } from "zod";

/** By supplier; null for one that may not learn it. */
const sharesBySupplier = z.array(z.base64().nullable());

const settlementNotes = z.strictObject({
  /** Shares of metered sums, imported then exported, and of positions. */
  metered: sharesBySupplier,
  positions: sharesBySupplier,
  /** The suppliers' groups from this period on (market/aggregate-groups.ts). */
  groups: z.array(
    z.strictObject({ members: z.array(z.string()), waitingSince: z.int().nullable() }),
  ),
});
export type SettlementNotes = z.infer<typeof settlementNotes>;

const closingNotes = z.strictObject({
  /** Shares of the positions that are told with this month. */
  positions: sharesBySupplier,
  /** By supplier, months whose position is not told yet, and this evaluator's share of their sum. */
  open: z.array(
    z.strictObject({
      months: z.array(z.string()),
      told: z.int().min(0),
      withheld: z.int().min(0),
      share: z.base64().nullable(),
    }),
  ),
});
export type ClosingNotes = z.infer<typeof closingNotes>;

export const settlementNotesOf = (text: string): SettlementNotes =>
  settlementNotes.parse(JSON.parse(text));
export const closingNotesOf = (text: string): ClosingNotes => closingNotes.parse(JSON.parse(text));
