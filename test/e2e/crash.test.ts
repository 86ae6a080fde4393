// Markets that go on when evaluators crash: Shamir sharing among five of which one may be curious, so three are enough.
// Every evaluator is killed at every stage, and every period is cleared all the same, exactly as in clear.
import { describe, expect, it, onTestFinished } from "vitest";
import { clearPlainly } from "../../src/agents/clear-orders.ts";
import { LocalMarket, type LocalMarketOptions } from "../../src/agents/local-market.ts";
import type {
  ClearedPeriod,
  ClearRequest,
  ClientProgress,
} from "../../src/client/clearing-client.ts";
import type { Order } from "../../src/market/order.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { completeSetting, type Setting } from "../../src/wire/setting.ts";

const setting = completeSetting({ engine: "shamir", parties: 5, threshold: 1 });
const REJOIN_MS = 1_000;
const FEW = 200;
/** More than are sent at once. */
const MANY = 2_500;

const requestOf = (chosen: Setting): ClearRequest => ({
  priceBits: 12,
  energyBits: 16,
  priceRule: "midpoint",
  rationing: "pro-rata",
  revealedSuppliers: [true, false, true],
  setting: chosen,
});
const request = requestOf(setting);

const ordersOf = (count: number): Order[] =>
  Array.from({ length: count }, (_, i) => ({
    meter: `m${i}`,
    side: i % 7 === 0 ? "idle" : i % 3 === 0 ? "sell" : "buy",
    energyWh: i % 7 === 0 ? 0 : 1 + ((i * 37) % 900),
    // Many at one price, so that the margin is shared.
    limitTick: i % 7 === 0 ? null : 100 * ((i * 101) % 40),
    supplier: i % 3,
  }));

async function marketOf(options: LocalMarketOptions = {}): Promise<LocalMarket> {
  const market = await LocalMarket.start({ setting, rejoinMs: REJOIN_MS, ...options });
  onTestFinished(() => market.stop());
  return market;
}

/** The same orders in clear, with the coin of the clearing, have the same result to the last unit. */
async function expectExact(cleared: ClearedPeriod, orders: readonly Order[]): Promise<void> {
  const { outcome } = await clearPlainly(request, orders, () => {}, cleared.coin!);
  expect(outcome.traded).toBe(true);
  expect(cleared.outcome).toEqual(outcome);
  expect(cleared.rejected).toEqual([]);
}

const kill = (pid: number) => void process.kill(pid, "SIGKILL");

/** Kills at some moment of a clearing; `at` says when, `afterMs` how much later. */
interface Stage {
  readonly name: string;
  readonly count: number;
  readonly at: (progress: ClientProgress) => boolean;
  readonly afterMs: number;
}

const stages: readonly Stage[] = [
  {
    name: "while orders are being sent",
    count: MANY,
    at: ({ phase, ordersSent }) => phase === "share" && ordersSent > 0 && ordersSent < MANY,
    afterMs: 0,
  },
  { name: "when the offline phase begins", count: FEW, at: isPhase("offline"), afterMs: 0 },
  { name: "in the offline phase", count: FEW, at: isPhase("offline"), afterMs: 30 },
  { name: "when the online phase begins", count: FEW, at: isPhase("online"), afterMs: 0 },
  { name: "in the online phase", count: FEW, at: isPhase("online"), afterMs: 30 },
  {
    name: "when there are results, not yet fetched",
    count: FEW,
    at: isPhase("results"),
    afterMs: 0,
  },
];

function isPhase(wanted: ClientProgress["phase"]) {
  return ({ phase, attempt }: ClientProgress) => phase === wanted && attempt === 1;
}

describe.each([0, 1, 2, 3, 4])("evaluator %i", (victim) => {
  it.each(["starting", "listening"] as const)(
    "killed while the market starts (%s) is done without",
    async (stage) => {
      const market = await marketOf({
        onStage: (reached, pids) => {
          if (reached === stage) kill(pids[victim]!);
        },
      });
      const orders = ordersOf(FEW);
      const cleared = await market.clear(request, orders);
      await expectExact(cleared, orders);
      expect(cleared.attempt).toBe(1);
    },
  );

  it.each(stages.map((stage) => [stage.name, stage] as const))(
    "killed %s is done without",
    async (_, { count, at, afterMs }) => {
      const market = await marketOf();
      const orders = ordersOf(count);
      let killed = false;
      const cleared = await market.clear(request, orders, (progress) => {
        if (killed || !at(progress)) return;
        killed = true;
        const pid = market.processIds[victim]!;
        if (afterMs === 0) kill(pid);
        else void systemClock.sleep(afterMs).then(() => kill(pid));
      });
      expect(killed).toBe(true);
      await expectExact(cleared, orders);
    },
  );
});
