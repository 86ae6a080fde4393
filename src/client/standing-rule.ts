// A household's standing rule: what is left over is offered, what is lacking is bid for, each at a limit.
import type { ClearOrder } from "./prepared-order.ts";

/** What a household orders that has nothing to trade: it sends such an order all the same. */
export const IDLE: ClearOrder = { side: "idle", energyWh: 0, limitTick: null };

/** Expected import and export of a household in one period, without the market. */
export interface ExpectedEnergy {
  readonly importWh: number;
  readonly exportWh: number;
}

export interface StandingRule {
  /** Surplus is offered at this limit; null: never. */
  readonly sellTick: number | null;
  /** What is lacking is bid for at this limit; null: never. */
  readonly buyTick: number | null;
}

/** What the rule orders when so much is expected. */
export function orderByRule(
  { sellTick, buyTick }: StandingRule,
  { importWh, exportWh }: ExpectedEnergy,
): ClearOrder {
  const lackingWh = importWh - exportWh;
  const side = lackingWh > 0 ? "buy" : "sell";
  const limitTick = side === "buy" ? buyTick : sellTick;
  if (lackingWh === 0 || limitTick === null) return IDLE;
  return { side, energyWh: Math.abs(lackingWh), limitTick };
}
