// What malicious meters may do with the shares of their own orders: at each engine the same values that are no
// order, and shares that do not fit together.
import { mod, P } from "../field/reference.ts";
import type { RejectionReason } from "./intake.ts";
import type { Order } from "./order.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { IntakeSetting, Received } from "./shared-clearing.test-helper.ts";

const SEED_BYTES = 16;

/** An order's shares as they are on their way. */
export interface Target {
  readonly received: Received;
  readonly layout: OrderLayout;
  readonly setting: IntakeSetting;
  readonly row: number;
  readonly order: Order;
}

export interface Attack {
  readonly name: string;
  readonly reason: RejectionReason;
  /** Which evaluators' shares then do not fit together. */
  readonly holders?: string;
  apply(target: Target): void;
}

/** Rewrites one element of a stream that brings all elements. */
function rewrite(
  { received, layout, row }: Target,
  evaluator: number,
  stream: number,
  column: number,
  to: (element: bigint) => bigint,
): void {
  const bytes = received[evaluator]![stream]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset + 8 * (row * layout.width + column));
  view.setBigUint64(0, to(view.getBigUint64(0, true)), true);
}

function otherSeed({ received, row }: Target, evaluator: number, stream: number): void {
  received[evaluator]![stream]![SEED_BYTES * row + 5]! ^= 0x40;
}

/** Adds `by` to component 2 of a replicated sharing, as the given holders have it. */
function shiftComponent(target: Target, column: number, by: bigint, holders = [1, 2]): void {
  for (const evaluator of holders) {
    rewrite(target, evaluator, evaluator === 2 ? 0 : 1, column, (x) => mod(x + by));
  }
}

/** Adds to the Shamir shares that are not seeds the values of a polynomial that is 0 at those that are. */
function addPolynomial(target: Target, column: number, at: (point: bigint) => bigint): void {
  const { parties, threshold } = target.setting.setting;
  for (let evaluator = threshold; evaluator < parties; evaluator++) {
    rewrite(target, evaluator, 0, column, (x) => mod(x + at(BigInt(evaluator) + 1n)));
  }
}

/** The product of (x - s) over the points of seeds. */
function vanishing({ setting }: Target, x: bigint): bigint {
  let product = 1n;
  for (let s = 1n; s <= BigInt(setting.setting.threshold); s++) product = mod(product * (x - s));
  return product;
}

function inverse(x: bigint): bigint {
  let result = 1n;
  for (let bit = 60n; bit >= 0n; bit--) {
    result = mod(result * result);
    if (((P - 2n) >> bit) & 1n) result = mod(result * x);
  }
  return result;
}

/** Adds `by` to a shared value, by shares that fit together. */
export function shift(target: Target, column: number, by: bigint): void {
  if (target.setting.setting.engine === "replicated") {
    shiftComponent(target, column, by);
    return;
  }
  const scale = mod(by * inverse(vanishing(target, 0n)));
  addPolynomial(target, column, (x) => scale * vanishing(target, x));
}

/** The bit of a row as its meter should have set it. */
function bitOf(order: Order, layout: OrderLayout, column: number): bigint {
  const digit = (value: number, end: number) => BigInt((value >>> (end - 1 - column)) & 1);
  if (column < layout.priceBits) return digit(order.limitTick ?? 0, layout.priceBits);
  if (column === layout.side) return order.side === "buy" ? 1n : 0n;
  if (column < layout.suppliers) return digit(order.energyWh, layout.suppliers);
  return column - layout.suppliers === order.supplier ? 1n : 0n;
}

const toValue = (name: string, at: (layout: OrderLayout) => number, value: bigint): Attack => ({
  name,
  reason: "invalid-order",
  apply(target) {
    const column = at(target.layout);
    shift(target, column, value - bitOf(target.order, target.layout, column));
  },
});

const other = (order: Order) => (order.supplier + 1) % 3;

const supplierShift = (name: string, own: bigint, others: bigint): Attack => ({
  name,
  reason: "invalid-order",
  apply(target) {
    const { layout, order } = target;
    shift(target, layout.suppliers + order.supplier, own);
    shift(target, layout.suppliers + other(order), others);
  },
});

const improperValues: readonly Attack[] = [
  toValue("a price bit of 2", () => 0, 2n),
  toValue("the lowest price bit of p - 1", (layout) => layout.priceBits - 1, -1n),
  toValue("a side of 2", (layout) => layout.side, 2n),
  toValue("a side of p - 1", (layout) => layout.side, -1n),
  toValue("a huge energy bit", (layout) => layout.energy, 2n ** 40n),
  toValue("the lowest energy bit of 2", (layout) => layout.suppliers - 1, 2n),
  toValue("an energy bit of p - 1", (layout) => layout.energy + 3, -1n),
  toValue("an energy bit of one half", (layout) => layout.energy + 1, (P + 1n) / 2n),
  toValue("a last supplier bit of 2", (layout) => layout.bits - 1, 2n),
  {
    name: "two energy bits that are none and cancel out",
    reason: "invalid-order",
    apply(target) {
      shift(target, target.layout.suppliers - 1, 2n * 7n);
      shift(target, target.layout.suppliers - 2, -7n);
    },
  },
  supplierShift("two suppliers", 0n, 1n),
  supplierShift("no supplier", -1n, 0n),
  supplierShift("suppliers 2 and -1, which add up to 1", 1n, -1n),
];

const replicatedMisfits: readonly Attack[] = [
  ...[1, 2].map(
    (evaluator): Attack => ({
      name: `a component 2 that differs at evaluator ${evaluator}`,
      reason: "inconsistent-shares",
      holders: "evaluators 1 and 2",
      apply(target) {
        for (let column = 0; column < target.layout.bits; column++) {
          shiftComponent(target, column, 12345n + BigInt(column), [evaluator]);
        }
      },
    }),
  ),
  {
    name: "a component 2 that differs by 1 in the side bit only",
    reason: "inconsistent-shares",
    holders: "evaluators 1 and 2",
    apply: (target) => shiftComponent(target, target.layout.side, 1n, [1]),
  },
  ...(
    [
      [0, 0, 0],
      [0, 2, 1],
      [1, 1, 0],
      [1, 0, 1],
    ] as const
  ).map(
    ([component, evaluator, stream]): Attack => ({
      name: `a seed ${component} that differs at evaluator ${evaluator}`,
      reason: "inconsistent-shares",
      holders: component === 0 ? "evaluators 0 and 2" : "evaluators 0 and 1",
      apply: (target) => otherSeed(target, evaluator, stream),
    }),
  ),
];

/** Shamir shares of the evaluators that compute which no meter that follows the rules would send. */
function shamirMisfits({ setting, active }: IntakeSetting): readonly Attack[] {
  const holders = `evaluators ${active.slice(0, -1).join(", ")} and ${active.at(-1)}`;
  const misfit = (name: string, apply: Attack["apply"]): Attack => ({
    name,
    reason: "inconsistent-shares",
    holders,
    apply,
  });
  const seeded = active.filter((evaluator) => evaluator < setting.threshold);
  const full = active.filter((evaluator) => evaluator >= setting.threshold);
  return [
    ...seeded.map((evaluator) =>
      misfit(`another seed at evaluator ${evaluator}`, (target) => otherSeed(target, evaluator, 0)),
    ),
    ...full.flatMap((evaluator) => [
      misfit(`a side bit's share that is 1 more at evaluator ${evaluator}`, (target) =>
        rewrite(target, evaluator, 0, target.layout.side, (x) => mod(x + 1n)),
      ),
      misfit(`a number outside the field at evaluator ${evaluator}`, (target) =>
        rewrite(target, evaluator, 0, target.layout.energy, (x) => 2n ** 64n - 2n - (x >> 1n)),
      ),
    ]),
    misfit("the right value by a polynomial of one degree more", (target) =>
      addPolynomial(target, target.layout.energy, (x) => 5n * x * vanishing(target, x)),
    ),
  ];
}

/** All that a meter may do to the evaluators of a setting. */
export const attacksOn = (setting: IntakeSetting): readonly Attack[] => [
  ...improperValues,
  ...(setting.setting.engine === "replicated" ? replicatedMisfits : shamirMisfits(setting)),
];
