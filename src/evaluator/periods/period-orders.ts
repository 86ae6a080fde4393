// The orders of an agreed set as what an evaluator's engine takes in: read from the store in the set's order.
import type { MarketDocument } from "../../market/market-document.ts";
import { type OrderLayout, orderLayout } from "../../market/order-layout.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import { assert } from "../../platform/assert.ts";
import type { EvaluatorStore, OrderEntry } from "../../storage/evaluator-store.ts";
import { MASK_NAME_BYTES, NONCE_BYTES } from "../../wire/dealer-messages.ts";
import { fromHex } from "../../wire/hex.ts";
import { piecesIn } from "../../wire/order-body.ts";
import type { SessionCommand } from "../clearing-session.ts";
import { type EngineTools, intakeOf, type MarketDealing } from "../engine-sessions.ts";
import type { OrderIntake } from "../order-intake.ts";

export const layoutOf = ({ parameters, suppliers }: MarketDocument): OrderLayout =>
  orderLayout(parameters.grid.bits, parameters.energyBits, suppliers.length);

export interface PeriodIntake {
  readonly intake: OrderIntake;
  /** With a dealer, the names of the orders' masks, one after the other; null without. */
  readonly maskNames: Uint8Array | null;
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
  const maskNames =
    setting.engine === "dealer" ? new Uint8Array(entries.length * MASK_NAME_BYTES) : null;
  let found = 0;
  await store.orderBodies(periodStart, entries, (index, body) => {
    assert(index === found, "bodies come in the order of their entries");
    found += 1;
    piecesIn(pieces, party, body).forEach((piece, k) => {
      const share = maskNames === null ? piece : piece.subarray(NONCE_BYTES);
      intake.streams[k]!.write(share, index * share.length);
      maskNames?.set(fromHex(entries[index]!.meter), index * MASK_NAME_BYTES);
      maskNames?.set(piece.subarray(0, NONCE_BYTES), (index + 1) * MASK_NAME_BYTES - NONCE_BYTES);
    });
  });
  assert(found === entries.length, "the store has every order of the agreed set");
  return { intake, maskNames };
}

/** What is computed for these orders. */
export function periodCommand(
  market: MarketDocument,
  entries: readonly OrderEntry[],
): Omit<SessionCommand, "dealing"> {
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
  };
}

/** What the market's dealer has to know of an attempt at a period; null without a dealer. */
export function periodDealing(
  { dealer }: MarketDocument,
  maskNames: Uint8Array | null,
  periodStart: number,
  attempt: number,
  revealedSuppliers: readonly boolean[],
): MarketDealing | null {
  if (dealer === null || maskNames === null) return null;
  const suppliers = revealedSuppliers.flatMap((may, supplier) => (may ? [supplier] : []));
  const rows = { kind: "order", periodStart, attempt, suppliers, names: maskNames } as const;
  return { address: dealer.links, rows };
}
