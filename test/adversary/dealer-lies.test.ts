// An evaluator of a dealer setting that lies, in any message, in its share of anything that is opened or of its
// code, or to the meters: no wrong result is ever accepted and nothing is revealed after the lie. Without the checks
// of what was opened the same lies go through.
import { describe, expect, it } from "vitest";
import { clearInPlain } from "../../src/client/clear-in-plain.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { Field } from "../../src/field/field.ts";
import type { Order } from "../../src/market/order.ts";
import { permutationFrom } from "../../src/mpc/permutation.ts";
import { completeSetting, type SettingChoice } from "../../src/wire/setting.ts";
import { type Cleared, layoutOf, type Market } from "../settings/sessions.test-helper.ts";
import {
  type DealerLie,
  type DealerLieKind,
  type DealerSessionResult,
  runDealerSession,
} from "./dealer-sessions.test-helper.ts";
import { below, type Draw, drawsFrom } from "./draws.test-helper.ts";

const SUPPLIERS = 2;

function smallMarket(draw: Draw): Market {
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
    priceBits: 4,
    energyBits: 8,
    priceRule: "upper",
    rationing: "priority",
    revealedSuppliers: new Array<boolean>(SUPPLIERS).fill(true),
    orders,
  };
}

/** Whether clients were told what the rules say, with the priority order of the session's coin. */
async function isTrue(market: Market, { outcome, coin, rejected }: Cleared): Promise<boolean> {
  const rules = { ...market, algorithm: "descent", priorityOrder: "public" } as const;
  const arrangement = permutationFrom(nodePrimitives, coin!, market.orders.length);
  const layout = layoutOf(market);
  const { orders } = market;
  const truth = await clearInPlain(new Field(), nodePrimitives, layout, rules, orders, arrangement);
  const textOf = (of: typeof outcome) => JSON.stringify([of, [...of.tradedUnits]]);
  return rejected.every((reason) => reason === null) && textOf(outcome) === textOf(truth);
}

const kindsOf = (honest: DealerSessionResult): DealerLieKind[] => [...honest.turns[0]!.keys()];

/** A lie of the kind, at any evaluator in any place where it could be told in an honest session. */
function lieOf(kind: DealerLieKind, seed: number, honest: DealerSessionResult): DealerLie {
  const draw = drawsFrom(seed);
  const party = below(draw, honest.turns.length);
  const index = below(draw, honest.turns[party]!.get(kind)!);
  return { party, kind, index, toAll: draw() < 0.5, seed };
}

/**
 * What was taken for verified and is the same whatever the coins: the orders' check numbers, and, if it went so far,
 * whether there was trade and the price.
 */
function publicOf(accepted: readonly string[], openings: number): (string | undefined)[] {
  return [accepted[0], accepted[openings - 2], accepted[openings - 1]];
}

const settingOf = (choice: Omit<SettingChoice, "engine">) =>
  completeSetting({ engine: "dealer", ...choice });

const SETTINGS = [
  { setting: settingOf({ parties: 2 }), lies: 126, seeds: 1000 },
  { setting: settingOf({ parties: 3 }), lies: 126, seeds: 2000 },
  { setting: settingOf({ parties: 2, algorithm: "sort" }), lies: 38, seeds: 3000 },
  { setting: settingOf({ parties: 3, algorithm: "sort" }), lies: 38, seeds: 4000 },
];

describe.each(SETTINGS)(
  "dealer for $setting.parties, $setting.algorithm",
  ({ setting, lies, seeds }) => {
    it(`${lies} lies: no wrong result is accepted, nothing is revealed after one`, async () => {
      const market = smallMarket(drawsFrom(1));
      const honest = await runDealerSession(setting, market, null);
      expect(honest.reasons).toEqual([]);
      expect(await isTrue(market, honest.cleared!)).toBe(true);
      const openings = honest.accepted[0]!.length;
      const truth = publicOf(honest.accepted[0]!, openings);
      const kinds = kindsOf(honest);
      let noticed = 0;
      for (let at = 0; at < lies; at++) {
        const lie = lieOf(kinds[at % kinds.length]!, seeds + at, honest);
        const result = await runDealerSession(setting, market, lie);
        const { lied, revealedAfter } = result;
        expect({ lie, lied, revealedAfter }).toEqual({ lie, lied: true, revealedAfter: 0 });
        for (const [party, accepted] of result.accepted.entries()) {
          if (party === lie.party) continue;
          const opened = publicOf(accepted, openings);
          opened.forEach((values, i) => {
            expect([lie, values]).toEqual([lie, values && truth[i]]);
          });
        }
        if (result.cleared !== null && lie.kind.startsWith("product")) {
          // A few products are of material that is left over in the end.
          expect([lie, await isTrue(market, result.cleared)]).toEqual([lie, true]);
          continue;
        }
        const { cleared, answeredAfter } = result;
        expect({ lie, cleared, answeredAfter }).toEqual({
          lie,
          cleared: null,
          answeredAfter: [],
        });
        noticed += 1;
      }
      expect(noticed).toBeGreaterThan(0.95 * lies);
    }, 300_000);
  },
);

describe("a hidden priority order", () => {
  it("36 lies: no result is accepted, nothing is revealed after one", async () => {
    const setting = settingOf({ parties: 2, priorityOrder: "hidden" });
    const market = smallMarket(drawsFrom(1));
    const honest = await runDealerSession(setting, market, null);
    expect(honest.reasons).toEqual([]);
    const kinds = kindsOf(honest).filter((kind) => !kind.startsWith("product"));
    expect(kinds).toContain("shuffle message");
    for (let at = 0; at < 36; at++) {
      const lie = lieOf(at % 2 === 0 ? "shuffle message" : kinds[at % kinds.length]!, at, honest);
      const { lied, cleared, revealedAfter } = await runDealerSession(setting, market, lie);
      expect({ lie, lied, cleared, revealedAfter }).toEqual({
        lie,
        lied: true,
        cleared: null,
        revealedAfter: 0,
      });
    }
  }, 120_000);
});

describe.each([2, 3])("dealer for %i without its checks", (parties) => {
  it("is fooled by lies that the checks notice", async () => {
    const setting = settingOf({ parties });
    const market = smallMarket(drawsFrom(1));
    const honest = await runDealerSession(setting, market, null, { withoutChecks: true });
    expect(await isTrue(market, honest.cleared!)).toBe(true);
    const kinds = [
      "reveal value",
      "opening value",
      "multiplication value",
      "product value",
    ] as const;
    const fooledBy = new Map<DealerLieKind, number>();
    let [revealed, answered] = [0, 0];
    for (let seed = 0; seed < 48; seed++) {
      const lie = lieOf(kinds[seed % kinds.length]!, 9000 + seed, honest);
      const unchecked = await runDealerSession(setting, market, lie, { withoutChecks: true });
      const { cleared } = unchecked;
      revealed += unchecked.revealedAfter;
      answered += unchecked.answeredAfter.length;
      if (cleared === null || (await isTrue(market, cleared))) continue;
      fooledBy.set(lie.kind, (fooledBy.get(lie.kind) ?? 0) + 1);
      const noticed = await runDealerSession(setting, market, lie);
      expect({ lie, lied: noticed.lied, cleared: noticed.cleared }).toEqual({
        lie,
        lied: true,
        cleared: null,
      });
    }
    expect(Math.min(revealed, answered)).toBeGreaterThan(20);
    const fooled = [...fooledBy.values()].reduce((sum, count) => sum + count, 0);
    expect(fooled).toBeGreaterThan(7);
    // Lies about what is opened in the end, and about what it is computed from.
    expect(fooledBy.size).toBeGreaterThan(2);
  }, 120_000);
});
