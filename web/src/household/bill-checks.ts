// Everything that was verified of a bill: what the evaluators have signed, the household's readings in it, and the
// amounts, computed again.
import { billDifferences } from "../../../src/market/bill.ts";
import { exactCents } from "../../../src/market/money.ts";
import { periodsOfMonth } from "../../../src/market/tariffs.ts";
import { textOfPeriod } from "../../../src/wire/records.ts";
import type { ShownCheck } from "../components/check-list.tsx";
import { market } from "../market/feed.ts";
import { billTexts } from "./bill-texts.ts";
import type { MonthBill } from "./month-bill.ts";
import type { MeteredEntry } from "./own-periods.ts";
import { metering } from "./session.ts";

export function billChecks(bill: MonthBill): ShownCheck[] {
  const t = billTexts();
  const { kept, month } = bill;
  if (kept === null) return [];
  const named = kept.checks.map((check) => ({ ...check, evidence: null as unknown }));
  const own = kept.stated === null ? [] : [...readingChecks(month), billCheck(bill)];
  return [...named, ...own].map((check) => ({
    ...check,
    ...(t.checks[check.name] ?? { title: check.name, meaning: "" }),
  }));
}

/** Receipts of the month's readings, and proofs that they counted. */
function readingChecks(month: string) {
  const t = billTexts();
  const document = market.value!;
  const { from, to } = periodsOfMonth(document, month);
  const sent = [...metering.value!.entries].filter(
    ([start, { readings }]) => start >= from && start < to && readings.length > 0,
  );
  if (sent.length === 0) return [];
  const last = ({ readings }: MeteredEntry) => readings.at(-1)!;
  const confirmed = sent.filter(
    ([, entry]) => last(entry).receipts.length === document.evaluators.length,
  );
  const counted = sent.filter(
    ([, entry]) =>
      entry.counting?.state === "counted" && entry.counting.readingId === last(entry).readingId,
  );
  const all = String(sent.length);
  return [
    {
      name: "receipts",
      ok: confirmed.length === sent.length,
      detail: t.receiptsFound(String(confirmed.length), all),
      evidence: sent.map(([start, entry]) => ({
        period: textOfPeriod(start),
        receipts: last(entry).receipts,
      })),
    },
    {
      name: "readings",
      ok: counted.length === sent.length,
      detail: t.readingsFound(String(counted.length), all),
      evidence: sent.map(([start, { counting }]) => ({
        period: textOfPeriod(start),
        reading: counting?.readingId ?? null,
        found: counting?.checks.map(({ name, detail }) => `${name}: ${detail}`) ?? [],
      })),
    },
  ];
}

function billCheck({ kept, own }: MonthBill) {
  const stated = kept!.stated!;
  const differences = billDifferences(stated, own);
  const text = ({ traded, fees, shortage, surplus }: typeof stated.components) => ({
    traded_ct: exactCents(traded),
    fees_ct: exactCents(fees),
    shortage_ct: exactCents(shortage),
    surplus_ct: exactCents(surplus),
  });
  const found = differences.map(({ name }) => name).join(", ");
  return {
    name: "bill",
    ok: differences.length === 0,
    detail: differences.length === 0 ? billTexts().billFound : `${found}: not the same`,
    evidence: { stated: text(stated.components), own_history: text(own.bill.components) },
  };
}
