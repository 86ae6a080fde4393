// What a person has typed for an order, read exactly; or what is wrong with it, in the person's language.
import type { MarketParameters } from "../../../src/market/parameters.ts";
import { kwhOfWh, priceNumber, typedNumber } from "../i18n/format.ts";
import { billTexts } from "./bill-texts.ts";
import { householdTexts } from "./texts.ts";

/** A value, or what is wrong. */
export type Read = { readonly value: number } | { readonly problem: string };

/** "0.5" kWh as 500 Wh. */
export function readEnergy(text: string, { energyBits }: MarketParameters): Read {
  const t = householdTexts();
  const plain = typedNumber(text);
  if (plain === null || plain.startsWith("-")) return { problem: t.needEnergy };
  const [whole = "0", fraction = ""] = plain.split(".");
  const decimals = fraction.replace(/0+$/, "");
  if (decimals.length > 3) return { problem: t.wholeWh };
  const value = Number(whole) * 1000 + Number(decimals.padEnd(3, "0"));
  const most = 2 ** energyBits - 1;
  if (value > most) return { problem: t.tooMuch(kwhOfWh(most)) };
  return value === 0 ? { problem: t.needEnergy } : { value };
}

/** A price as a tick of the market's grid. */
export function readTick(text: string, { grid }: MarketParameters): Read {
  const t = householdTexts();
  const plain = typedNumber(text);
  if (plain === null) return { problem: t.needPrice };
  const tick = grid.tickOf(plain);
  if (typeof tick === "number") return { value: tick };
  const [low, high] = [grid.value(0), grid.value(grid.size - 1)];
  if (tick.kind !== "off-grid") {
    return { problem: t.outOfRange(priceNumber(low), priceNumber(high)) };
  }
  const below = Math.floor((Number(plain) - low) / (grid.value(1) - low));
  return { problem: t.offGrid(priceNumber(grid.value(below)), priceNumber(grid.value(below + 1))) };
}

/** A limit of the rule: empty is null. */
export const readLimit = (
  text: string,
  parameters: MarketParameters,
): Read | { readonly value: null } =>
  text.trim() === "" ? { value: null } : readTick(text, parameters);

/** What was metered: as an energy, but nothing is something to say. */
export function readMetered(text: string, parameters: MarketParameters): Read {
  const plain = typedNumber(text);
  if (plain === null || plain.startsWith("-")) return { problem: billTexts().need };
  return Number(plain) === 0 ? { value: 0 } : readEnergy(text, parameters);
}
