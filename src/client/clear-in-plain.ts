// The same clearing by the plain engine: one process, everything in clear. The reference for what the evaluators
// compute on shares; nothing is private here.
import type { Field } from "../field/field.ts";
import { clearPeriod } from "../market/clearing.ts";
import { type Order, type Outcome, tradedFromAbove } from "../market/order.ts";
import { type OrderLayout, orderRows } from "../market/order-layout.ts";
import { prepareClearing, type SecretBook, type SecretRules } from "../market/preparation.ts";
import type { Engine } from "../mpc/engine.ts";
import { PlainEngine } from "../mpc/plain-engine.ts";
import type { Primitives } from "../platform/primitives.ts";

/** Clears on the plain engine; `arrangement` as for `clearPeriod`. */
export async function clearInPlain(
  field: Field,
  primitives: Primitives,
  layout: OrderLayout,
  rules: SecretRules,
  orders: readonly Order[],
  arrangement: Uint32Array | null,
): Promise<Outcome> {
  const engine = new PlainEngine(field, primitives);
  try {
    const prepared = await prepareClearing(engine, rules, plainBook(engine, layout, orders));
    const outcome = await clearPeriod(engine, prepared, arrangement);
    const revealed = outcome.suppliers.filter((sums) => sums !== null);
    const clear = (await engine.reveal([outcome.aboveUnits, ...revealed])).map((bytes) => {
      const v = field.alloc(bytes.length / 8);
      field.setBytes(v, bytes);
      return field.toNumbers(v);
    });
    return {
      traded: outcome.traded,
      priceTick: outcome.priceTick,
      tradedUnits: clear.shift()!.map((above, i) => tradedFromAbove(orders[i]!, above)),
      suppliers: outcome.suppliers.map((sums) => {
        if (sums === null) return null;
        const [boughtUnits, soldUnits] = clear.shift()!;
        return { boughtUnits: boughtUnits!, soldUnits: soldUnits! };
      }),
    };
  } finally {
    engine.end();
  }
}

/** A book of constants: what the evaluators have after intake, in clear. */
export function plainBook(
  engine: Engine,
  layout: OrderLayout,
  orders: readonly Order[],
): SecretBook {
  const rows = orderRows(orders, layout);
  const column = (j: number) =>
    engine.constant(Uint8Array.from(orders, (_, i) => rows[i * layout.width + j]!));
  const columns = (from: number, count: number) =>
    Array.from({ length: count }, (_, k) => column(from + k));
  return {
    keyBits: columns(0, layout.priceBits + 1),
    energy: engine.constant(
      Float64Array.from(orders, (order) => (order.side === "idle" ? 0 : order.energyWh)),
    ),
    suppliers: columns(layout.suppliers, layout.supplierCount),
  };
}
