// The household's trades of a span, from what this browser has kept, summed up by day or month.
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { dayStartOf } from "../i18n/format.ts";
import type { Entry } from "./gateway.ts";
import type { Trade } from "./money.ts";

/** Trades of the periods that begin from `from` on and before `to`, in their order. */
export function tradesIn(
  entries: ReadonlyMap<number, Entry>,
  { parameters }: MarketDocument,
  from: number,
  to: number,
): Trade[] {
  const trades: Trade[] = [];
  for (const [start, { order, outcome }] of entries) {
    if (start < from || start >= to || order.side === "idle" || outcome === null) continue;
    const { tradedUnits, priceTick } = outcome;
    if (tradedUnits === null || tradedUnits === 0 || priceTick === null) continue;
    trades.push({
      start,
      side: order.side,
      tradedUnits,
      priceCt: parameters.grid.value(priceTick),
    });
  }
  return trades.toSorted((a, b) => a.start - b.start);
}

/** By local midnight. */
export const tradesByDay = (trades: readonly Trade[]): Map<number, Trade[]> =>
  Map.groupBy(trades, ({ start }) => dayStartOf(start));
