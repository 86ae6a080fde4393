// The rules of settlement in clear: the place to read them, and the reference for settlement.ts.
import { UNITS_PER_WH } from "./order.ts";
import type { Reading } from "./reading.ts";
import type { PeriodPrices } from "./settlement.ts";

/** What a meter did in a period. */
export interface MeterPeriod {
  readonly supplier: number;
  readonly boughtUnits: number;
  readonly soldUnits: number;
  /** Null where none counts. */
  readonly reading: Reading | null;
}

/** Components of what is due, in money units of 10^-3 ct/kWh times 2^-10 Wh; below 0 what is received. */
export interface Amounts {
  readonly traded: bigint;
  readonly fees: bigint;
  readonly shortage: bigint;
  readonly surplus: bigint;
}

export const NOTHING_DUE: Amounts = { traded: 0n, fees: 0n, shortage: 0n, surplus: 0n };

/** The reading that counts, with the estimate in place of one that is missing, and energies in units of 2^-10 Wh. */
export function meteredUnits(
  { boughtUnits, soldUnits, reading }: MeterPeriod,
  profileWh: number,
): { imported: number; exported: number; shortage: number; surplus: number } {
  if (reading === null) {
    const profile = profileWh * UNITS_PER_WH;
    const shortage = profile + soldUnits;
    return { imported: profile + boughtUnits, exported: 0, shortage, surplus: 0 };
  }
  return {
    imported: reading.importedWh * UNITS_PER_WH,
    exported: reading.exportedWh * UNITS_PER_WH,
    shortage: reading.shortageUnits,
    surplus: reading.surplusUnits,
  };
}

/** What a meter owes for a period. */
export function amountsOf(meter: MeterPeriod, prices: PeriodPrices, profileWh: number): Amounts {
  const { supplier, boughtUnits, soldUnits } = meter;
  const { shortage, surplus } = meteredUnits(meter, profileWh);
  const times = (price: number, units: number) => BigInt(price) * BigInt(units);
  return {
    traded: times(prices.clearing, boughtUnits - soldUnits),
    fees: times(prices.localFee, boughtUnits),
    shortage: times(prices.retail[supplier]!, shortage),
    surplus: -times(prices.feedIn[supplier]!, surplus),
  };
}

export const sumOfAmounts = (a: Amounts, b: Amounts): Amounts => ({
  traded: a.traded + b.traded,
  fees: a.fees + b.fees,
  shortage: a.shortage + b.shortage,
  surplus: a.surplus + b.surplus,
});

export const totalOf = ({ traded, fees, shortage, surplus }: Amounts): bigint =>
  traded + fees + shortage + surplus;

/**
 * What the period would have cost without the market: everything imported from the supplier, everything exported to it.
 */
export function withoutMarket(
  meter: MeterPeriod,
  { retail, feedIn }: Pick<PeriodPrices, "retail" | "feedIn">,
  profileWh: number,
): bigint {
  const { imported, exported } = meteredUnits(meter, profileWh);
  const { supplier } = meter;
  return (
    BigInt(retail[supplier]!) * BigInt(imported) - BigInt(feedIn[supplier]!) * BigInt(exported)
  );
}
