// The orders of an agreed set as what an evaluator's engine takes in: read from the store in the set's order.
import type { MarketDocument } from "../../market/market-document.ts";
import { type OrderLayout, orderLayout } from "../../market/order-layout.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import type { EvaluatorStore, OrderEntry } from "../../storage/evaluator-store.ts";
import type { SessionCommand } from "../clearing-session.ts";
import { type EngineTools, intakeOf, type MarketDealing } from "../engine-sessions.ts";
import type { OrderIntake } from "../order-intake.ts";
import { readBodies } from "./received-bodies.ts";

export const layoutOf = ({ parameters, suppliers }: MarketDocument): OrderLayout =>
  orderLayout(parameters.grid.bits, parameters.energyBits, suppliers.length);

export interface PeriodIntake {
  readonly intake: OrderIntake;
  /** With a dealer, the names of the orders' masks, one after the other; else empty. */
  readonly maskNames: Uint8Array;
}

/** This evaluator's shares of `entries`, which the caller frees. */
export async function periodIntake(
  tools: Pick<EngineTools, "field" | "primitives">,
  market: MarketDocument,
  party: number,
  store: EvaluatorStore,
  periodStart: number,
  entries: readonly OrderEntry[],
): Promise<PeriodIntake> {
  const layout = layoutOf(market);
  const { setting } = market;
  const pieces = orderPieces(setting, layout);
  const membership = Uint8Array.from(entries, ({ supplier }) => supplier);
  const intake = intakeOf(tools, setting, party, entries.length, layout, membership);
  const read = (onBody: (index: number, body: Uint8Array) => void) =>
    store.orderBodies(periodStart, entries, onBody);
  const maskNames = await readBodies(market, party, pieces, entries, intake.streams, read);
  return { intake, maskNames };
}

/** Which suppliers may learn their sums if these orders count: those with the minimum group of customers. */
export function revealedSuppliers(
  { parameters, suppliers }: MarketDocument,
  entries: readonly Pick<OrderEntry, "supplier">[],
): boolean[] {
  const customers = new Array<number>(suppliers.length).fill(0);
  for (const { supplier } of entries) customers[supplier]! += 1;
  return customers.map((count) => count >= parameters.minimumGroup);
}

/** What is computed for the orders of a period, if they let these suppliers learn their sums. */
export function periodCommand(
  { parameters, setting }: MarketDocument,
  revealed: readonly boolean[],
): Omit<SessionCommand, "dealing"> {
  return {
    type: "clear",
    priceBits: parameters.grid.bits,
    energyBits: parameters.energyBits,
    priceRule: parameters.priceRule,
    rationing: parameters.rationing,
    revealedSuppliers: [...revealed],
    setting,
  };
}

/** What the market's dealer has to know of an attempt at a period; null without a dealer. */
export function periodDealing(
  { dealer }: MarketDocument,
  maskNames: Uint8Array,
  periodStart: number,
  attempt: number,
  revealed: readonly boolean[],
): MarketDealing | null {
  if (dealer === null) return null;
  const suppliers = revealed.flatMap((may, supplier) => (may ? [supplier] : []));
  const rows = { kind: "order", periodStart, attempt, suppliers, names: maskNames } as const;
  return { address: dealer.links, rows };
}
