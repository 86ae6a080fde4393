// A bill as a meter keeps it: what evaluators stated, what its own history came to, and whether both agree.
import { z } from "zod";
import type { Check } from "../../client/checks.ts";
import type { OwnBill } from "../../client/own-bill.ts";
import { type BillDifference, billDifferences, type StatedBill } from "../../market/bill.ts";
import { monthText } from "../../wire/settlement-records.ts";

export interface KeptBill {
  readonly month: string;
  /** Null when the meter has nothing in the month. */
  readonly stated: StatedBill | null;
  /** What the meter's own history comes to. */
  readonly expected: OwnBill;
  /** Exactly what differs; empty when all agrees. */
  readonly differences: readonly BillDifference[];
  /** Everything that was verified. */
  readonly checks: readonly Check[];
  /** What else there is to say, e.g. in which periods another reading counted than the meter sent. */
  readonly notes: readonly string[];
}

/** Compares what evaluators stated with the meter's own history. */
export function comparedBill(
  month: string,
  stated: StatedBill | null,
  expected: OwnBill,
  checks: readonly Check[],
): KeptBill {
  const nothing = { components: NOTHING, periods: 0, estimated: 0 };
  const differences = billDifferences(stated ?? nothing, expected);
  return { month, stated, expected, differences, checks, notes: [] };
}

const NOTHING = { traded: 0n, fees: 0n, shortage: 0n, surplus: 0n };

const amount = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);
const components = z.strictObject({
  traded: amount,
  fees: amount,
  shortage: amount,
  surplus: amount,
});
const coverage = { periods: z.int(), estimated: z.int() };

const keptSchema = z.strictObject({
  month: monthText,
  stated: z.strictObject({ components, ...coverage }).nullable(),
  expected: z.strictObject({
    bill: z.strictObject({
      components,
      totalUnits: amount,
      totalCents: z.int(),
      vatCents: z.int(),
      withoutMarketCents: z.int().nullable(),
    }),
    energies: z.strictObject({
      boughtUnits: z.number(),
      soldUnits: z.number(),
      importedUnits: z.number(),
      exportedUnits: z.number(),
      shortageUnits: z.number(),
      surplusUnits: z.number(),
    }),
    ...coverage,
  }),
  differences: z.array(
    z.strictObject({
      what: z.enum(["periods", "estimated", "traded", "fees", "shortage", "surplus"]),
      name: z.string(),
      stated: amount,
      expected: amount,
    }),
  ),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  notes: z.array(z.string()),
});

/** As JSON, amounts as text. */
export const keptBillText = (bill: KeptBill): string =>
  JSON.stringify(bill, (_, value) => (typeof value === "bigint" ? String(value) : value));

/** The inverse. */
export const keptBillOf = (text: string): KeptBill => keptSchema.parse(JSON.parse(text));
