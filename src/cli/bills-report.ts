// What a rehearsed month came to: the households' bills beside what they would have paid without the market, and checks
// that only whoever sees all of them can make. Pure: lines are returned, none wider than 100 columns.
import { createColors } from "picocolors";
import type { KeptBill } from "../agents/meter/kept-bill.ts";
import type { RehearsedMonth } from "../agents/rehearsal-results.ts";
import { roundedCents } from "../market/bill.ts";
import { counted } from "./text-layout.ts";

export interface BillsReport {
  readonly month: RehearsedMonth;
  /** By meter: whether it has something to sell, and its supplier. */
  readonly households: readonly { readonly hasPanels: boolean; readonly supplier: number }[];
  readonly suppliers: readonly { readonly name: string }[];
  readonly color: boolean;
}

const COLUMNS = [12, 14, 12, 10, 22] as const;

/** A table of bills by kind of household, and what else was found. */
export function billLines({ month, households, suppliers, color }: BillsReport): string[] {
  const colors = createColors(color);
  const known = month.bills.flatMap((bill, i) =>
    bill === null ? [] : { bill, household: households[i]! },
  );
  const groupOf = (name: string, which: (household: { hasPanels: boolean }) => boolean) =>
    groupLine(
      name,
      known.flatMap(({ bill, household }) => (which(household) ? bill : [])),
    );
  const all = known.map(({ bill }) => bill);
  const agreed = all.filter(({ differences }) => differences.length === 0).length;
  const estimated = sum(all.map(({ stated }) => stated?.estimated ?? 0));
  const fees = sum(all.map(({ stated }) => roundedCents(stated?.components.fees ?? 0n)));
  const vat = sum(all.map(({ expected }) => expected.bill.vatCents));
  return [
    colors.bold(`Bills of ${month.month}, the rehearsed part`),
    colors.dim(
      line(["", "households", "no market", "market", "saved", "per household"].map(String)),
    ),
    groupOf("with panels", ({ hasPanels }) => hasPanels),
    groupOf("without", ({ hasPanels }) => !hasPanels),
    colors.bold(groupOf("all", () => true)),
    `grid fees for local energy ${euros(fees)} and VAT ${euros(vat)} are contained; every meter computed`,
    `its bill again from its own history: ${agreed} of ${counted(all.length, "bill")} agree`,
    `${counted(month.read, "reading")} confirmed by all evaluators, ${counted(estimated, "period")} estimated`,
    ...positionLines(month, suppliers),
  ];
}

function groupLine(name: string, bills: readonly KeptBill[]): string {
  const pairs = bills.map(({ expected }) => ({
    without: expected.bill.withoutMarketCents ?? 0,
    paid: expected.bill.totalCents,
  }));
  const saved = pairs.map(({ without, paid }) => without - paid);
  const [without, paid] = [sum(pairs.map((pair) => pair.without)), sum(pairs.map((p) => p.paid))];
  const spread =
    saved.length === 0 ? "" : `${euros(Math.min(...saved))} .. ${euros(Math.max(...saved))}`;
  return line([
    name,
    String(bills.length),
    euros(without),
    euros(paid),
    euros(without - paid),
    spread,
  ]);
}

const line = ([name = "", ...cells]: readonly string[]): string =>
  `${name.padEnd(12)}${cells.map((cell, i) => cell.padStart(COLUMNS[i]!)).join("")}`.trimEnd();

/** What suppliers owe each other, each told only its own. */
function positionLines(
  { suppliers: told }: RehearsedMonth,
  suppliers: BillsReport["suppliers"],
): string[] {
  const positions = told.map((month) => month?.position ?? null);
  const named = positions.map((position, k) => {
    const amount = position === null ? "withheld" : euros(roundedCents(position));
    return `${suppliers[k]?.name} ${amount}`;
  });
  const known = positions.filter((position) => position !== null);
  const whole = known.length === positions.length;
  const total = known.reduce((a, b) => a + b, 0n);
  const check = whole
    ? `; unrounded they add up to ${total === 0n ? "0" : euros(roundedCents(total))}`
    : "";
  return [`Suppliers owe each other: ${named.join(", ")}${check}`];
}

/** What does not fit together, in words; empty when all is well. */
export function billProblems({
  month,
  households,
  suppliers,
}: Omit<BillsReport, "color">): string[] {
  const problems: string[] = [];
  month.bills.forEach((bill, i) => {
    for (const { name, stated, expected } of bill?.differences ?? []) {
      problems.push(`${month.month}: meter ${i}: ${name}: stated ${stated}, expected ${expected}`);
    }
    for (const note of bill?.notes ?? []) problems.push(`${month.month}: meter ${i}: ${note}`);
  });
  if (month.bills.includes(null) || month.suppliers.includes(null)) return problems;
  month.suppliers.forEach((closed, k) => {
    const name = suppliers[k]?.name;
    const own = month.bills.filter((_, i) => households[i]!.supplier === k);
    const due = own.reduce((total, bill) => total + totalOfBill(bill), 0n);
    const told = closed!.customers.reduce((total, customer) => total + customer.total, 0n);
    if (due !== told)
      problems.push(`${month.month}: ${name} was told another total than its bills`);
  });
  const positions = month.suppliers.map((closed) => closed!.position);
  const known = positions.filter((position) => position !== null);
  const total = known.reduce((a, b) => a + b, 0n);
  if (known.length === positions.length && total !== 0n) {
    problems.push(`${month.month}: what suppliers owe each other does not add up to 0`);
  }
  return problems;
}

function totalOfBill(bill: KeptBill | null): bigint {
  if (bill === null || bill.stated === null) return 0n;
  const { traded, fees, shortage, surplus } = bill.stated.components;
  return traded + fees + shortage + surplus;
}

function euros(cents: number): string {
  const text = `€${(Math.abs(cents) / 100).toFixed(2)}`;
  return cents < 0 ? `-${text}` : text;
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
