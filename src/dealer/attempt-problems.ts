// What is wrong with what evaluators ask of a market's dealer: why an attempt may not be dealt, or null.
import { type MarketDocument, orderWindow } from "../market/market-document.ts";
import { monthClosureOf, monthOf, periodsOfMonth } from "../market/tariffs.ts";
import { type FirstRequest, MASK_NAME_BYTES, MOST_MONTH_BYTES } from "../wire/dealer-messages.ts";
import { decodeMonthNames, monthNamesLength } from "../wire/month-names.ts";
import { textOfPeriod } from "../wire/records.ts";
import { rowNameAt } from "./attempt-masks.ts";

/** The length of the names that belong to a request. */
export const namesLength = (request: FirstRequest): number =>
  request.type === "attempt"
    ? MASK_NAME_BYTES * request.count
    : monthNamesLength(request.meters, request.settlements);

/** Of a request by itself, at a time of the market in seconds. */
export function requestProblem(
  market: MarketDocument,
  request: FirstRequest,
  nowS: number,
): string | null {
  const { suppliers } = market;
  const isSettlement = request.type === "closing" || request.kind === "reading";
  if (isSettlement && market.settlement === null) return "this market has no settlement";
  const lists = [request.suppliers, request.type === "closing" ? (request.before?.open ?? []) : []];
  const ordered = lists.every((list) => list.every((one, i) => i === 0 || one > list[i - 1]!));
  if (!ordered || lists.flat().some((supplier) => supplier >= suppliers.length)) {
    return "the suppliers are not some of the market's, each once, by number";
  }
  if (request.type === "closing") return closingProblem(market, request.periodStart, nowS, request);
  const { kind, periodStart, correction, trades } = request;
  if (kind === "order") {
    if (correction !== undefined || trades !== undefined) return "orders are no readings";
    if (orderWindow(market, periodStart, nowS) === "closed") return null;
    return `the gate of ${textOfPeriod(periodStart)} is not closed`;
  }
  const { period_s: length } = market.schedule;
  const isPeriod = orderWindow(market, periodStart, Number.POSITIVE_INFINITY) === "closed";
  if (isPeriod && nowS >= periodStart + length) return null;
  return `${textOfPeriod(periodStart)} is not delivered`;
}

function closingProblem(
  market: MarketDocument,
  from: number,
  nowS: number,
  request: Extract<FirstRequest, { type: "closing" }>,
): string | null {
  const month = monthOf(market, from);
  if (from < market.firstPeriod || periodsOfMonth(market, month).from !== from) {
    return `no month begins at ${textOfPeriod(from)}`;
  }
  if (nowS < monthClosureOf(market, month)) return `${month} is not over`;
  if ((request.before === undefined) !== (from === market.firstPeriod)) {
    return "the first month alone has none before it";
  }
  if (request.before !== undefined && request.before.periodStart >= from) {
    return "the closing before is not of an earlier month";
  }
  return namesLength(request) > MOST_MONTH_BYTES ? "the names are too long" : null;
}

/** Of the names, which have the right length. */
export function namesProblem(
  market: MarketDocument,
  request: FirstRequest,
  names: Uint8Array,
): string | null {
  if (request.type === "closing") return monthProblem(market, request, names);
  // A mask that hid two rows would tell how they differ.
  for (let row = 1; row < request.count; row++) {
    if (rowNameAt(names, row).meter > rowNameAt(names, row - 1).meter) continue;
    return "the rows are not in the order of meters, one of each";
  }
  return null;
}

function monthProblem(
  market: MarketDocument,
  request: Extract<FirstRequest, { type: "closing" }>,
  names: Uint8Array,
): string | null {
  const { meters, settlements } = decodeMonthNames(names, request);
  const { from, to } = periodsOfMonth(market, monthOf(market, request.periodStart));
  if (meters.some(({ meter }, i) => i > 0 && meter <= meters[i - 1]!.meter)) {
    return "the meters are not in order, each once";
  }
  if (meters.some(({ supplier }) => supplier >= market.suppliers.length)) {
    return "a meter has a supplier that there is not";
  }
  // Counted twice, or in two months, an amount's mask would show in the difference of two sums.
  const right = settlements.every(
    ({ start }, i) => start >= from && start < to && (i === 0 || start > settlements[i - 1]!.start),
  );
  return right ? null : "the settlements are not those of the month's periods, each once";
}
