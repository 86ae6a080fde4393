// An evaluator that lies, in any message at any step: with malicious security no wrong result is ever accepted and
// nothing is revealed after the lie; without it the same lies go through.
import { describe, expect, it } from "vitest";
import { clearInPlain } from "../../src/client/clear-in-plain.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { Field } from "../../src/field/field.ts";
import type { Order, Outcome } from "../../src/market/order.ts";
import { orderLayout } from "../../src/market/order-layout.ts";
import { arrangementOf } from "../../src/mpc/serve.ts";
import { completeSetting, type Setting, type SettingChoice } from "../../src/wire/setting.ts";
import { below, type Draw, drawsFrom } from "./draws.test-helper.ts";
import {
  type LieKind,
  runSession,
  type SessionResult,
  type SmallMarket,
} from "./sessions.test-helper.ts";

const PRICE_BITS = 4;
const ENERGY_BITS = 8;
const SUPPLIERS = 2;

function smallMarket(draw: Draw, setting: Setting): SmallMarket {
  const orders = Array.from(
    { length: 7 },
    (_, i): Order => ({
      meter: `meter-${i}`,
      side: i % 2 === 0 ? "sell" : "buy",
      energyWh: 1 + below(draw, 200),
      limitTick: i % 2 === 0 ? below(draw, 9) : 7 + below(draw, 9),
      supplier: below(draw, SUPPLIERS),
    }),
  );
  return {
    priceBits: PRICE_BITS,
    energyBits: ENERGY_BITS,
    suppliers: SUPPLIERS,
    orders,
    rules: {
      priceRule: "upper",
      rationing: "priority",
      revealedSuppliers: [true, true],
      algorithm: setting.algorithm,
      priorityOrder: setting.priorityOrder,
    },
  };
}

function expected({ orders, rules }: SmallMarket): Promise<Outcome> {
  const layout = orderLayout(PRICE_BITS, ENERGY_BITS, SUPPLIERS);
  const arrangement = arrangementOf(Uint32Array.from(orders.keys()));
  const inTheOpen = { ...rules, algorithm: "descent", priorityOrder: "public" } as const;
  return clearInPlain(new Field(), nodePrimitives, layout, inTheOpen, orders, arrangement);
}

/** A message that some evaluator sends in an honest session, each kind as likely as any other. */
function pickMessage(draw: Draw, honest: SessionResult, kinds?: readonly LieKind[]) {
  const party = below(draw, honest.sent.length);
  const sent = [...honest.sent[party]!].filter(([kind]) => kinds?.includes(kind) ?? true);
  const [kind, count] = sent[below(draw, sent.length)]!;
  return { party, kind, index: below(draw, count) };
}

const setting = (choice: SettingChoice): Setting =>
  completeSetting({ security: "malicious", ...choice });

const SETTINGS: readonly { readonly setting: Setting; readonly lies: number }[] = [
  { setting: setting({ engine: "replicated" }), lies: 900 },
  { setting: setting({ engine: "replicated", algorithm: "sort" }), lies: 200 },
  { setting: setting({ engine: "replicated", priorityOrder: "hidden" }), lies: 150 },
  { setting: setting({ engine: "shamir" }), lies: 600 },
  { setting: setting({ engine: "shamir", parties: 5 }), lies: 150 },
];

describe.each(SETTINGS)(
  "$setting.engine for $setting.parties, $setting.algorithm, $setting.priorityOrder order",
  ({ setting, lies }) => {
    const exact = setting.priorityOrder === "public";

    it(`${lies} lies: no wrong result is accepted, nothing is revealed after one`, async () => {
      const market = smallMarket(drawsFrom(1), setting);
      const truth = await expected(market);
      const honest = await runSession(setting, market, null);
      expect(honest.reasons).toEqual([]);
      if (exact) expect(honest.outcome).toEqual(truth);
      const noticed = new Map<LieKind, number>();
      for (let seed = 0; seed < lies; seed++) {
        const draw = drawsFrom(1000 + seed);
        const lie = { ...pickMessage(draw, honest), draw };
        const result = await runSession(setting, market, lie);
        const context = { seed, party: lie.party, kind: lie.kind, index: lie.index };
        expect({ ...context, lied: result.lied }).toEqual({ ...context, lied: true });
        expect({ ...context, revealedAfter: result.revealedAfter }).toEqual({
          ...context,
          revealedAfter: 0,
        });
        // A lie that changes nothing would be no lie: each ends the session, or its last step at the clients.
        expect({ ...context, outcome: result.outcome }).toEqual({ ...context, outcome: null });
        noticed.set(lie.kind, (noticed.get(lie.kind) ?? 0) + 1);
      }
      for (const kind of honest.sent[0]!.keys()) expect(noticed.get(kind) ?? 0).toBeGreaterThan(3);
    }, 300_000);
  },
);

describe.each(["replicated", "shamir"] as const)("%s without malicious security", (engine) => {
  it("is fooled by lies that malicious security notices", async () => {
    const honestly = completeSetting({ engine });
    const hardened = setting({ engine });
    const market = smallMarket(drawsFrom(1), honestly);
    const truth = await expected(market);
    const honest = await runSession(honestly, market, null);
    expect(honest.outcome).toEqual(truth);
    let fooled = 0;
    for (let seed = 0; seed < 60; seed++) {
      const product = pickMessage(drawsFrom(seed), honest, ["product"]);
      // Among the first products of a session, after those for its masks: who buys, and whose customers do.
      const lie = { ...product, index: product.index % 24 };
      const result = await runSession(honestly, market, { ...lie, draw: drawsFrom(7 + seed) });
      const wrong = result.outcome !== null && !same(result.outcome, truth);
      if (!wrong) continue;
      fooled += 1;
      const noticed = await runSession(hardened, market, { ...lie, draw: drawsFrom(7 + seed) });
      expect({ lied: noticed.lied, outcome: noticed.outcome }).toEqual({
        lied: true,
        outcome: null,
      });
    }
    expect(fooled).toBeGreaterThan(3);
  }, 120_000);
});

function same(a: Outcome, b: Outcome): boolean {
  return JSON.stringify([a, [...a.tradedUnits]]) === JSON.stringify([b, [...b.tradedUnits]]);
}
