// What docs/SETTINGS.md says a clearing costs, held against what the parties send.
import { expect, it } from "vitest";
import { predictedCost } from "../../bench/predicted.ts";
import { shareOrders } from "../../src/client/share-orders.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { runClearing } from "../../src/evaluator/clearing-session.ts";
import { intakeOf } from "../../src/evaluator/engine-sessions.ts";
import { Field } from "../../src/field/field.ts";
import type { Order } from "../../src/market/order.ts";
import { orderLayout } from "../../src/market/order-layout.ts";
import type { PriceRule } from "../../src/market/parameters.ts";
import { closePeers, meshedPeers } from "../../src/mpc/parties.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { activeCount, completeSetting, type Setting } from "../../src/wire/setting.ts";

const SUPPLIERS = 3;
const layout = orderLayout(12, 16, SUPPLIERS);

const ordersOf = (count: number): Order[] =>
  Array.from({ length: count }, (_, i) => ({
    meter: `meter-${i}`,
    side: i % 5 < 2 ? "sell" : "buy",
    energyWh: (i * 37) % 1500,
    limitTick: 800 + ((i * 7919) % 2200),
    supplier: i % SUPPLIERS,
  }));

async function measured(setting: Setting, rule: PriceRule, count: number) {
  if (setting.engine === "dealer") throw new Error("the dealer has sessions of its own");
  const { engine, parties, threshold } = setting;
  const sharing = { engine, parties, threshold };
  const orders = ordersOf(count);
  const tools = { field: new Field(), primitives: nodePrimitives };
  const streams = shareOrders(tools, sharing, layout, orders);
  const peers = meshedPeers(activeCount(setting));
  const active = peers.map(({ party }) => party);
  const results = await Promise.all(
    peers.map((own, party) => {
      const field = new Field();
      const intake = intakeOf({ field, primitives: nodePrimitives }, setting, party, count, layout);
      intake.streams.forEach((stream, index) => {
        stream.write(streams[party]![index]!, 0);
      });
      const command = {
        type: "clear",
        count,
        priceBits: 12,
        energyBits: 16,
        priceRule: rule,
        rationing: "pro-rata",
        revealedSuppliers: new Array<boolean>(SUPPLIERS).fill(true),
        setting,
        dealing: null,
      } as const;
      const reachDealer = () => Promise.reject(new Error("there is no dealer"));
      const primitives = nodePrimitives;
      const sessionTools = {
        field,
        primitives,
        clock: systemClock,
        onPhase: () => {},
        reachDealer,
      };
      return runClearing(sessionTools, { peers: own, active }, command, intake, true);
    }),
  );
  closePeers(peers);
  const elements = results.reduce((sum, { elementsSent }) => sum + elementsSent, 0);
  return { elements: elements / results.length, onlineRounds: results[0]!.onlineRounds };
}

const SETTINGS: readonly Setting[] = [
  completeSetting({ engine: "replicated" }),
  completeSetting({ engine: "replicated", security: "malicious" }),
  completeSetting({ engine: "replicated", priorityOrder: "hidden" }),
  completeSetting({ engine: "replicated", algorithm: "sort" }),
  completeSetting({ engine: "replicated", algorithm: "sort", security: "malicious" }),
  completeSetting({ engine: "shamir" }),
  completeSetting({ engine: "shamir", parties: 5 }),
  completeSetting({ engine: "shamir", parties: 5, threshold: 1 }),
  completeSetting({ engine: "shamir", parties: 7 }),
  completeSetting({ engine: "shamir", security: "malicious" }),
  completeSetting({ engine: "shamir", parties: 5, security: "malicious" }),
  completeSetting({ engine: "shamir", parties: 5, algorithm: "sort" }),
];

it.each(SETTINGS.map((setting) => [Object.values(setting).join(" "), setting] as const))(
  "%s: elements and rounds are within a tenth of the documented ones",
  async (_, setting) => {
    for (const [rule, count] of [
      ["midpoint", 1000],
      ["midpoint", 4000],
      ["upper", 4000],
    ] as const) {
      const { elements, onlineRounds } = await measured(setting, rule, count);
      const said = predictedCost(setting, rule, count, SUPPLIERS);
      const context = { rule, count, elements, onlineRounds, said };
      expect(Math.abs(said.elements / elements - 1), JSON.stringify(context)).toBeLessThan(0.1);
      expect(Math.abs(said.onlineRounds / onlineRounds - 1), JSON.stringify(context)).toBeLessThan(
        0.1,
      );
    }
  },
  120_000,
);
