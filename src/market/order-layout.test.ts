// Orders as rows of bits: every field can be read back, and rows of one market look alike.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomMarket } from "./brute-force.test-helper.ts";
import { type OrderLayout, orderLayout, orderRows } from "./order-layout.ts";

const numberOf = (bits: Uint8Array) => bits.reduce((value, bit) => 2 * value + bit, 0);

function partsOf(row: Uint8Array, layout: OrderLayout) {
  return {
    tick: numberOf(row.subarray(0, layout.priceBits)),
    side: row[layout.side],
    energyWh: numberOf(row.subarray(layout.energy, layout.energy + layout.energyBits)),
    suppliers: [...row.subarray(layout.suppliers, layout.suppliers + layout.supplierCount)],
    padding: [...row.subarray(layout.bits)],
  };
}

describe("a layout", () => {
  it("puts the parts one after the other, in an even width", () => {
    const parameters = fc.tuple(
      fc.integer({ min: 4, max: 16 }),
      fc.integer({ min: 8, max: 24 }),
      fc.integer({ min: 1, max: 16 }),
    );
    const property = fc.property(parameters, ([priceBits, energyBits, supplierCount]) => {
      const layout = orderLayout(priceBits, energyBits, supplierCount);
      expect(layout.side).toBe(priceBits);
      expect(layout.energy).toBe(priceBits + 1);
      expect(layout.suppliers).toBe(priceBits + 1 + energyBits);
      expect(layout.bits).toBe(priceBits + 1 + energyBits + supplierCount);
      expect(layout.width % 2).toBe(0);
      expect([0, 1]).toContain(layout.width - layout.bits);
    });
    fc.assert(property);
  });
});

describe("rows", () => {
  it("can be read back", () => {
    const markets = fc
      .constantFrom(8, 16, 24)
      .chain((energyBits) =>
        randomMarket({ energyBits }).map((market) => ({ ...market, energyBits })),
      );
    const property = fc.property(markets, ({ priceBits, energyBits, supplierCount, orders }) => {
      const layout = orderLayout(priceBits, energyBits, supplierCount);
      const rows = orderRows(orders, layout);
      expect(rows).toHaveLength(orders.length * layout.width);
      expect(rows.every((bit) => bit <= 1)).toBe(true);
      orders.forEach((order, i) => {
        const row = rows.subarray(i * layout.width, (i + 1) * layout.width);
        expect(partsOf(row, layout)).toEqual({
          tick: order.limitTick ?? 0,
          side: order.side === "buy" ? 1 : 0,
          energyWh: order.energyWh,
          suppliers: [0, 1, 2].map((k) => (k === order.supplier ? 1 : 0)),
          padding: new Array(layout.width - layout.bits).fill(0),
        });
      });
    });
    fc.assert(property, { numRuns: 150 });
  });

  it("of an idle order carry no energy, whatever it says", () => {
    const layout = orderLayout(4, 8, 1);
    const idle = { meter: "m", side: "idle", energyWh: 9, limitTick: null, supplier: 0 } as const;
    expect(partsOf(orderRows([idle], layout), layout)).toMatchObject({
      energyWh: 0,
      side: 0,
      tick: 0,
    });
  });

  it("hold the largest price and energy", () => {
    const layout = orderLayout(16, 24, 16);
    const [tick, energyWh] = [2 ** 16 - 1, 2 ** 24 - 1];
    const order = { meter: "m", side: "buy", energyWh, limitTick: tick, supplier: 15 } as const;
    expect(partsOf(orderRows([order], layout), layout)).toMatchObject({ tick, energyWh, side: 1 });
  });
});
