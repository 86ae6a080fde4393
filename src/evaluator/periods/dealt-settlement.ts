// A settlement in a market with a dealer. Shares of one session are worth nothing in another: so what comes of it is
// revealed to all evaluators at once, under masks of the dealer's that nobody else knows. The same linear arithmetic
// goes on with such values as with shares (share-bytes.ts), and the dealer gives those who may learn a sum its mask.
import type { MarketDocument } from "../../market/market-document.ts";
import type { Secret } from "../../mpc/shared.ts";
import { assert } from "../../platform/assert.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import type { OwnParts } from "../../storage/settlement-store.ts";
import type { MarketDealing } from "../engine-sessions.ts";
import type { CheckedReadings, DealtReadings } from "../settlement-session.ts";
import { base64Of, ownParts, type SettledPeriod, settledSecrets } from "./own-settlement.ts";
import type { SettlementSupplies } from "./settlement-supplies.ts";

export interface DealtSettlement {
  readonly start: number;
  readonly revision: 0 | 1;
  readonly attempt: number;
  /** Names of the readings' masks, one after the other. */
  readonly names: Uint8Array;
  readonly supplies: SettlementSupplies;
  /** What is settled when these readings are rejected. */
  readonly periodOf: (rejected: readonly number[]) => SettledPeriod;
}

/** What a session that checks readings has to know of the dealer; null without one. */
export function dealtReadings(
  market: MarketDocument,
  { start, revision, attempt, names, supplies, periodOf }: DealtSettlement,
): DealtReadings | null {
  if (market.dealer === null) return null;
  const { clearing, orders } = supplies;
  const { attempt: cleared, dealing: session } = clearing;
  const rows: MarketDealing["rows"] = {
    kind: "reading",
    periodStart: start,
    attempt,
    suppliers: market.suppliers.map((_, supplier) => supplier),
    ...(revision === 1 ? { correction: true } : {}),
    ...(session === undefined || orders.length === 0
      ? {}
      : { trades: { attempt: cleared, session, orders: orders.length } }),
    names,
  };
  return {
    dealing: { address: market.dealer.links, rows },
    results(engine, readings, trades, rejected) {
      const settled = settledSecrets(engine, market, periodOf(rejected), trades, readings);
      // Each value is revealed under a mask of its own. Nothing takes the place of a sum that is withheld: how many
      // values there are, and which mask is whose, is known before.
      const told = market.suppliers.flatMap((_, k): Secret[] => [
        settled.metered[k] ?? engine.constant([0, 0]),
        settled.positions[k] ?? engine.constant([0]),
      ]);
      return [...told, ...settled.components];
    },
  };
}

/** What every evaluator keeps of such a settlement. */
export function dealtParts(
  { suppliers }: MarketDocument,
  period: SettledPeriod,
  readings: readonly OrderEntry[],
  { dealt }: CheckedReadings,
): OwnParts["settlement"] {
  assert(dealt !== null, "a market with a dealer settles in its sessions");
  const { revealedSuppliers, revealedPositions } = period.telling;
  const { results } = dealt;
  const told = (at: number, may: boolean) => (may ? base64Of(results[at]!) : null);
  return ownParts(period, readings, {
    shares: new Uint8Array(Buffer.concat(results.slice(2 * suppliers.length))),
    metered: suppliers.map((_, k) => told(2 * k, revealedSuppliers[k] === true)),
    positions: suppliers.map((_, k) => told(2 * k + 1, revealedPositions[k] === true)),
  });
}
