// What has become of a period's reading, in words.
import { settlementDueOf } from "../../../src/market/tariffs.ts";
import { wholeNumber } from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { billTexts } from "./bill-texts.ts";
import type { MeteredEntry } from "./own-periods.ts";
import { gateway } from "./session.ts";

type ReadingStateName = keyof ReturnType<typeof billTexts>["states"];

interface ReadingState {
  readonly name: ReadingStateName;
  readonly text: string;
}

export function readingState(start: number, entry: MeteredEntry | undefined): ReadingState {
  const { states } = billTexts();
  const last = entry?.readings.at(-1);
  if (entry === undefined || (last === undefined && entry.wanted === null)) {
    const name = unread(start);
    return { name, text: states[name] };
  }
  if (last === undefined) return { name: "waiting", text: states.waiting };
  const all = market.value!.evaluators.length;
  const count = last.receipts.length;
  const isDecided = entry.counting?.isFinal || entry.counting?.readingId === last.readingId;
  if (count < all && !isDecided) {
    const text = states.sending(wholeNumber(count), wholeNumber(all));
    return { name: "sending", text };
  }
  const name = sent(entry, last.readingId);
  return { name, text: states[name] };
}

/** Of a period that nothing was sent for. */
function unread(start: number): "open" | "estimated" | "unread" {
  const document = market.value!;
  if (nowS.value < settlementDueOf(document, start)) return "open";
  // What was not in the set of orders either is not billed at all.
  const outcome = gateway.value?.entries.get(start)?.outcome;
  return outcome?.state === "cleared" || outcome?.state === "rejected" ? "estimated" : "unread";
}

function sent({ counting }: MeteredEntry, readingId: string) {
  if (counting === null) return "confirmed";
  if (counting.state === "rejected") return "rejected";
  if (counting.state === "counted" && counting.readingId === readingId) return "counted";
  if (counting.isFinal) return "estimated";
  return counting.state === "missing" ? "late" : "correction";
}
