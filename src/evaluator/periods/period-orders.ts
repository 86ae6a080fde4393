// The orders of an agreed set as what an evaluator's engine takes in: read from the store in the set's order.
import type { MarketDocument } from "../../market/market-document.ts";
import { type OrderLayout, orderLayout } from "../../market/order-layout.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import { assert } from "../../platform/assert.ts";
import type { EvaluatorStore, OrderEntry } from "../../storage/evaluator-store.ts";
import { piecesIn } from "../../wire/order-body.ts";
import type { ClearCommand } from "../../wire/session-messages.ts";
import { type EngineTools, intakeOf } from "../engine-sessions.ts";
import type { OrderIntake } from "../order-intake.ts";

export const layoutOf = ({ parameters, suppliers }: MarketDocument): OrderLayout =>
  orderLayout(parameters.grid.bits, parameters.energyBits, suppliers.length);

/** This evaluator's shares of `entries`, which the caller frees. */
export async function periodIntake(
  tools: Pick<EngineTools, "field" | "primitives">,
  market: MarketDocument,
  party: number,
  store: EvaluatorStore,
  periodStart: number,
  entries: readonly OrderEntry[],
): Promise<OrderIntake> {
  const layout = layoutOf(market);
  const { setting } = market;
  const pieces = orderPieces(setting, layout);
  const membership = Uint8Array.from(entries, ({ supplier }) => supplier);
  const intake = intakeOf(tools, setting, party, entries.length, layout, membership);
  let found = 0;
  await store.orderBodies(periodStart, entries, (index, body) => {
    assert(index === found, "bodies come in the order of their entries");
    found += 1;
    piecesIn(pieces, party, body).forEach((piece, k) => {
      intake.streams[k]!.write(piece, index * piece.length);
    });
  });
  assert(found === entries.length, "the store has every order of the agreed set");
  return intake;
}

/** What is computed for these orders. */
export function periodCommand(
  market: MarketDocument,
  entries: readonly OrderEntry[],
): ClearCommand {
  const { parameters, setting, suppliers } = market;
  const customers = new Array<number>(suppliers.length).fill(0);
  for (const { supplier } of entries) customers[supplier]! += 1;
  return {
    type: "clear",
    count: entries.length,
    priceBits: parameters.grid.bits,
    energyBits: parameters.energyBits,
    priceRule: parameters.priceRule,
    rationing: parameters.rationing,
    revealedSuppliers: customers.map((count) => count >= parameters.minimumGroup),
    setting,
    dealing: null,
  };
}
