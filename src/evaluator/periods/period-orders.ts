// The orders of an agreed set as what an evaluator's engine takes in: read from the store in the set's order.
import type { MarketDocument } from "../../market/market-document.ts";
import { type OrderLayout, orderLayout } from "../../market/order-layout.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import { assert } from "../../platform/assert.ts";
import type { EvaluatorStore, OrderEntry } from "../../storage/evaluator-store.ts";
import { MASK_NAME_BYTES, NONCE_BYTES, writeMaskName } from "../../wire/dealer-messages.ts";
import { piecesIn } from "../../wire/order-body.ts";
import type { SessionCommand } from "../clearing-session.ts";
import { type EngineTools, intakeOf, type MarketDealing } from "../engine-sessions.ts";
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
  // With a dealer the name of the order's mask comes first.
  const skipped = setting.engine === "dealer" ? NONCE_BYTES : 0;
  await eachBody(store, periodStart, entries, (index, body) => {
    piecesIn(pieces, party, body).forEach((piece, k) => {
      const share = piece.subarray(skipped);
      intake.streams[k]!.write(share, index * share.length);
    });
  });
  return intake;
}

async function eachBody(
  store: EvaluatorStore,
  periodStart: number,
  entries: readonly OrderEntry[],
  onBody: (index: number, body: Uint8Array) => void,
): Promise<void> {
  let found = 0;
  await store.orderBodies(periodStart, entries, (index, body) => {
    assert(index === found, "bodies come in the order of their entries");
    found += 1;
    onBody(index, body);
  });
  assert(found === entries.length, "the store has every order that was agreed on");
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
export async function periodDealing(
  market: MarketDocument,
  party: number,
  store: EvaluatorStore,
  periodStart: number,
  attempt: number,
  entries: readonly OrderEntry[],
): Promise<MarketDealing | null> {
  const { dealer, setting } = market;
  if (dealer === null) return null;
  const pieces = orderPieces(setting, layoutOf(market));
  const names = new Uint8Array(entries.length * MASK_NAME_BYTES);
  await eachBody(store, periodStart, entries, (index, body) => {
    const [piece] = piecesIn(pieces, party, body);
    writeMaskName(names, index, entries[index]!.meter, piece!);
  });
  const revealed = revealedSuppliers(market, entries);
  const suppliers = revealed.flatMap((may, supplier) => (may ? [supplier] : []));
  const rows = { kind: "order", periodStart, attempt, suppliers, names } as const;
  return { address: dealer.links, rows };
}
