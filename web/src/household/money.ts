// What trading on the market comes to: exact sums of traded energy at the period's price, and what the supplier
// alone would have taken or given for it.
import { UNITS_PER_WH } from "../../../src/market/order.ts";

export interface Trade {
  readonly start: number;
  readonly side: "buy" | "sell";
  readonly tradedUnits: number;
  readonly priceCt: number;
}

/** In ct/kWh; null while unknown. */
export interface Tariff {
  readonly retailCt: number | null;
  readonly feedInCt: number | null;
  /** Grid fee of what is bought on the market. */
  readonly localFeeCt: number;
}

/** By start of the period. */
export type TariffOf = (start: number) => Tariff;

export interface TradeSums {
  readonly boughtUnits: number;
  readonly soldUnits: number;
  readonly paidCt: number;
  readonly earnedCt: number;
  /** Against the supplier alone; null while its prices are not known. */
  readonly savedCt: number | null;
}

const UNITS_PER_KWH = UNITS_PER_WH * 1000;

export function sumsOf(trades: readonly Trade[], tariffOf: TariffOf): TradeSums {
  const of = (side: Trade["side"], value: (trade: Trade) => number) =>
    trades.reduce((sum, trade) => (trade.side === side ? sum + value(trade) : sum), 0);
  const [boughtUnits, soldUnits] = [of("buy", unitsOf), of("sell", unitsOf)];
  const [paidCt, earnedCt] = [of("buy", amountOf), of("sell", amountOf)];
  const savedCt = trades.reduce<number | null>((sum, trade) => {
    const saved = savedOf(trade, tariffOf(trade.start));
    return sum === null || saved === null ? null : sum + saved;
  }, 0);
  return { boughtUnits, soldUnits, paidCt, earnedCt, savedCt };
}

function savedOf(
  { side, tradedUnits, priceCt }: Trade,
  { retailCt, feedInCt, localFeeCt }: Tariff,
): number | null {
  const kwh = tradedUnits / UNITS_PER_KWH;
  if (side === "buy") return retailCt === null ? null : (retailCt - priceCt - localFeeCt) * kwh;
  return feedInCt === null ? null : (priceCt - feedInCt) * kwh;
}

const unitsOf = ({ tradedUnits }: Trade): number => tradedUnits;
const amountOf = ({ tradedUnits, priceCt }: Trade): number =>
  (priceCt * tradedUnits) / UNITS_PER_KWH;
