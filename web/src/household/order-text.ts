// An order and what came of it, in words.
import type { ClearOrder } from "../../../src/client/prepared-order.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { ctPerKwh, kwhOfUnits, kwhOfWh } from "../i18n/format.ts";
import type { StoredOutcome } from "./database.ts";
import { householdTexts } from "./texts.ts";

export function orderText(
  { side, energyWh, limitTick }: ClearOrder,
  { parameters }: MarketDocument,
): string {
  const t = householdTexts();
  if (side === "idle" || energyWh === 0 || limitTick === null) return t.nothing;
  const price = ctPerKwh(parameters.grid.value(limitTick));
  return (side === "sell" ? t.wantSell : t.wantBuy)(kwhOfWh(energyWh), price);
}

export function resultText(
  { side }: ClearOrder,
  { state, tradedUnits, priceTick }: StoredOutcome,
  { parameters }: MarketDocument,
): string {
  const t = householdTexts();
  if (state !== "cleared") return t.outcomes[state];
  if (tradedUnits === null) return t.outcomes.cleared;
  if (tradedUnits === 0 || priceTick === null || side === "idle") return t.tradedNothing;
  return t.traded[side](kwhOfUnits(tradedUnits), ctPerKwh(parameters.grid.value(priceTick)));
}
