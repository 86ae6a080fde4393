// What docs/SETTINGS.md says a clearing costs: field elements that an evaluator sends on average, and rounds. For the
// default layout (12 price bits) and rationing pro rata, and for a thousand orders or more.
import type { PriceRule } from "../src/market/parameters.ts";
import { quotientComparisons } from "../src/mpc/quotient.ts";
import { searchComparisons } from "../src/mpc/search.ts";
import { serveComparisons } from "../src/mpc/serve.ts";
import { activeCount, type Setting } from "../src/wire/setting.ts";

export interface PredictedCost {
  /** Offline and online together. */
  readonly elements: number;
  readonly onlineRounds: number;
}

const RATION_BITS = 10;

/** Of `orders` orders by customers of `suppliers` suppliers that all learn their sums. */
export function predictedCost(
  setting: Setting,
  rule: PriceRule,
  orders: number,
  suppliers: number,
): PredictedCost {
  const lines = rule === "midpoint" ? 2 : 1;
  const comparisons = comparisonsOf(setting, lines, orders);
  const [perOrder, perComparison, rounds] =
    setting.algorithm === "descent"
      ? descentCost(setting, lines, orders, suppliers)
      : sortCost(setting, lines, orders, suppliers);
  const elements = weightOf(setting) * (perOrder * orders + perComparison * comparisons);
  return { elements, onlineRounds: rounds };
}

type Cost = readonly [perOrder: number, perComparison: number, rounds: number];

/** Products are sent once each with replicated sharing, t times with Shamir's. */
const weightOf = ({ engine, threshold }: Setting) => (engine === "shamir" ? threshold : 1);

function comparisonsOf({ algorithm }: Setting, lines: number, orders: number): number {
  const common = quotientComparisons(RATION_BITS) + serveComparisons(orders) + 1;
  if (algorithm === "descent") return 41 * lines + common;
  return (lines + 2) * searchComparisons(orders) + 2 * lines - 1 + common;
}

/** Passes of a shuffle: every group of t + 1 of the 2 t + 1 evaluators. */
function passesOf(setting: Setting): number {
  const [count, group] = [activeCount(setting), setting.threshold + 1];
  let passes = 1;
  for (let i = 1; i <= group; i++) passes = (passes * (count - group + i)) / i;
  return Math.round(passes);
}

const comparisonElements = ({ engine, security }: Setting) =>
  457 + (engine === "shamir" ? 23 : 0) + (engine === "shamir" && security === "malicious" ? 61 : 0);

function descentCost(setting: Setting, lines: number, orders: number, suppliers: number): Cost {
  const { engine, security, priorityOrder } = setting;
  const hidden = priorityOrder === "hidden" ? 2 * passesOf(setting) + 1 : 0;
  const perOrder = (lines === 2 ? 76 : 43) + suppliers + (engine === "shamir" ? 0.5 : 0) + hidden;
  const rounds = orders > 16_384 ? 69 : 63;
  const verifications = security === "malicious" ? 6 * verificationRounds(5 * orders) : 0;
  const shuffled = priorityOrder === "hidden" ? 2 * passesOf(setting) : 0;
  return [perOrder, comparisonElements(setting), rounds + shuffled + verifications];
}

function sortCost(setting: Setting, lines: number, orders: number, suppliers: number): Cost {
  const malicious = setting.security === "malicious";
  const checked = malicious ? 32 : 0;
  const perOrder = 86 + suppliers + 25 * passesOf(setting) + (lines - 2) * 3 + checked;
  const rounds = (orders > 16_384 ? 94 : 76) + 4 * passesOf(setting);
  // A check of each of four shuffles, and a verification before each of its openings and two more.
  const verifications = malicious
    ? 4 * (Math.ceil(Math.log2(orders)) + 2) + 6 * verificationRounds(9 * orders)
    : 0;
  return [perOrder, comparisonElements(setting), rounds + verifications];
}

/** A coin, two rounds for each fold, an opening, a confirmation, and the round that makes a product a Secret. */
function verificationRounds(products: number): number {
  let folds = 1;
  let length = products;
  for (; length > 2 ** 15; length /= 2) folds += 1;
  for (; length > 8; length /= 8) folds += 1;
  return 4 + 2 * folds;
}
