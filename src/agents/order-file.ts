// Order files: one settlement period's orders as comma-separated values, one household per line.
// Files come from outside: whatever they hold, reading one ends in orders and a list of problems.

import { stringify } from "csv-stringify/sync";
import { MAX_TOTAL_ENERGY_WH } from "../market/oracle.ts";
import type { Order, Side } from "../market/order.ts";
import type { MarketParameters } from "../market/parameters.ts";
import { MAX_SUPPLIERS, nameProblem } from "../market/parameters.ts";
import { LIMITS } from "../platform/limits.ts";
import { firstLineNotUtf8, type RowReader, readRows } from "./csv-rows.ts";

const COLUMNS = ["meter", "side", "energy_wh", "limit_price_ct_per_kwh", "supplier"] as const;
const HEADER = COLUMNS.join(",");

/** Rows formatted at once: keeps the short-lived arrays of a large file few. */
const ROWS_PER_PIECE = 10_000;

export interface OrderFileProblem {
  /** Counted from 1, the header being line 1. */
  readonly line: number;
  readonly reason: string;
}

export interface ParsedOrderFile {
  /** The orders of the good rows; of use only if there are no problems. */
  readonly orders: Order[];
  /** What `supplier` of an order points into: the market's list, or the file's names sorted. */
  readonly suppliers: string[];
  /** In the order of their lines. */
  readonly problems: OrderFileProblem[];
  /** The line of each order. */
  readonly lines: number[];
}

/**
 * Reads an order file: UTF-8 (a byte order mark is ignored), comma-separated, lines ended by LF or
 * CRLF, fields quoted where needed, blank lines skipped. The first line must be
 * `meter,side,energy_wh,limit_price_ct_per_kwh,supplier`; a file of that line alone is an empty
 * market. If the market has no list of suppliers, the file may name up to 16; their list is sorted
 * by code units, so that it does not depend on the sequence of the rows. Never throws on account of
 * the content.
 */
export function parseOrderFile(bytes: Uint8Array, market: MarketParameters): ParsedOrderFile {
  const badLine = firstLineNotUtf8(bytes);
  if (badLine !== null) {
    const reason = "not UTF-8 text; save the file as UTF-8";
    return { orders: [], suppliers: [], problems: [{ line: badLine, reason }], lines: [] };
  }
  const reader = new OrderFileReader(market);
  readRows(bytes, reader);
  return reader.finish();
}

/**
 * Writes an order file; `suppliers` are the names the orders point to. The inverse of
 * parseOrderFile.
 */
export function formatOrderFile(
  orders: readonly Order[],
  market: MarketParameters,
  suppliers: readonly string[],
): string {
  const pieces = [`${HEADER}\n`];
  for (let start = 0; start < orders.length; start += ROWS_PER_PIECE) {
    const rows = orders
      .slice(start, start + ROWS_PER_PIECE)
      .map((order) => [
        order.meter,
        order.side,
        String(order.energyWh),
        order.limitTick === null ? "" : market.grid.format(order.limitTick),
        suppliers[order.supplier] ?? "",
      ]);
    pieces.push(stringify(rows));
  }
  return pieces.join("");
}

/** Turns rows into orders, noting what is wrong with the others. */
class OrderFileReader implements RowReader {
  readonly #market: MarketParameters;
  readonly #maxEnergyWh: number;
  readonly #orders: Order[] = [];
  readonly #lines: number[] = [];
  readonly #problems: OrderFileProblem[] = [];
  readonly #lineOfMeter = new Map<string, number>();
  readonly #supplierIndex = new Map<string, number>();
  #header: "awaited" | "right" | "wrong" = "awaited";
  #totalWh = 0;
  /** What is wrong with the row being read. */
  #reasons: string[] = [];

  constructor(market: MarketParameters) {
    this.#market = market;
    this.#maxEnergyWh = 2 ** market.energyBits - 1;
    for (const [k, name] of (market.suppliers ?? []).entries()) this.#supplierIndex.set(name, k);
  }

  row(fields: readonly string[], line: number): void {
    if (this.#header === "awaited") this.#readHeader(fields, line);
    else if (this.#header === "right") this.#readOrder(fields, line);
  }

  unreadable(line: number): void {
    if (this.#header === "awaited") this.#readHeader([], line);
    if (this.#header === "wrong") return;
    const reason = "a quote is not closed, or not written twice inside quotes";
    this.#problems.push({ line, reason });
  }

  /** What is too much as a whole, or null. */
  #sizeProblem(): string | null {
    if (this.#orders.length > LIMITS.orders) return `more than ${LIMITS.orders} orders`;
    if (this.#totalWh > MAX_TOTAL_ENERGY_WH) {
      return `all energies add up to more than ${MAX_TOTAL_ENERGY_WH} Wh by this row`;
    }
    return null;
  }

  finish(): ParsedOrderFile {
    if (this.#header === "awaited") {
      this.#problems.push({
        line: 1,
        reason: `the file is empty; its first line must be ${HEADER}`,
      });
    }
    const suppliers = [...this.#supplierIndex.keys()];
    const result = { problems: this.#problems, lines: this.#lines };
    const tooLarge = this.#sizeProblem();
    if (tooLarge !== null) {
      this.#problems.push({ line: this.#lines.at(-1) ?? 1, reason: tooLarge });
      return { orders: [], suppliers, problems: this.#problems, lines: [] };
    }
    if (this.#market.suppliers !== null) return { orders: this.#orders, suppliers, ...result };
    const sorted = suppliers.toSorted((a, b) => (a < b ? -1 : 1));
    const place = suppliers.map((name) => sorted.indexOf(name));
    if (place.every((to, from) => to === from))
      return { orders: this.#orders, suppliers, ...result };
    const orders = this.#orders.map((order) => ({
      ...order,
      supplier: place[order.supplier] ?? 0,
    }));
    return { orders, suppliers: sorted, ...result };
  }

  #readHeader(fields: readonly string[], line: number): void {
    const right =
      fields.length === COLUMNS.length && COLUMNS.every((name, k) => fields[k] === name);
    this.#header = right ? "right" : "wrong";
    if (right) return;
    const found = fields.length === 0 ? "unreadable" : shown(fields.join(","));
    const hint = fields.length === 1 && fields[0]?.includes(";") ? "; separate by commas" : "";
    const reason = `the first line is ${found}; it must be ${HEADER}${hint}`;
    this.#problems.push({ line, reason });
  }

  #readOrder(fields: readonly string[], line: number): void {
    if (fields.length !== COLUMNS.length) {
      this.#problems.push({ line, reason: columnCountReason(fields) });
      return;
    }
    const [meter = "", sideText = "", energyText = "", priceText = "", supplierText = ""] = fields;
    this.#reasons = [];
    this.#checkMeter(meter, line);
    const side = this.#side(sideText);
    const energyWh = this.#energy(energyText, side);
    const limitTick = this.#price(priceText, side);
    const supplier = this.#supplier(supplierText);
    if (this.#reasons.length > 0) {
      this.#problems.push({ line, reason: this.#reasons.join("; ") });
      return;
    }
    this.#totalWh += energyWh;
    this.#orders.push({ meter, side, energyWh, limitTick, supplier });
    this.#lines.push(line);
  }

  #checkMeter(meter: string, line: number): void {
    const problem = nameProblem(meter);
    const first = this.#lineOfMeter.get(meter);
    if (problem !== null) this.#reasons.push(`meter ${problem}`);
    else if (first === undefined) this.#lineOfMeter.set(meter, line);
    else this.#reasons.push(`meter ${shown(meter)} already has an order on line ${first}`);
  }

  #side(text: string): Side {
    if (text === "buy" || text === "sell" || text === "idle") return text;
    this.#reasons.push(`side is ${shown(text)}; expected buy, sell or idle`);
    // Keeps the other columns' checks from reporting what only an idle row must not have.
    return "buy";
  }

  #energy(text: string, side: Side): number {
    const energyWh = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(energyWh <= this.#maxEnergyWh)) {
      const range = `a whole number from 0 to ${this.#maxEnergyWh}`;
      this.#reasons.push(`energy_wh is ${shown(text)}; expected ${range}`);
    } else if (side === "idle" && energyWh > 0) {
      this.#reasons.push(`energy_wh is ${energyWh}; an idle row must have 0`);
    }
    return energyWh;
  }

  #price(text: string, side: Side): number | null {
    if (text === "" && side === "idle") return null;
    const tick = this.#market.grid.tickOf(text);
    if (typeof tick === "number") return tick;
    const found = text === "" ? "" : ` ${shown(text)}`;
    const hint = text === "" ? "; only an idle row may leave it empty" : "";
    this.#reasons.push(`limit_price_ct_per_kwh${found} is ${tick.message}${hint}`);
    return null;
  }

  #supplier(text: string): number {
    const known = this.#supplierIndex.get(text);
    if (known !== undefined) return known;
    const problem = nameProblem(text);
    const count = this.#supplierIndex.size;
    if (problem !== null) {
      this.#reasons.push(`supplier ${problem}`);
    } else if (this.#market.suppliers !== null) {
      const names = this.#market.suppliers.map(shown).join(", ");
      this.#reasons.push(`supplier ${shown(text)} is not in this market; it has ${names}`);
    } else if (count >= MAX_SUPPLIERS) {
      const limit = `a file may name at most ${MAX_SUPPLIERS} suppliers`;
      this.#reasons.push(`supplier ${shown(text)} is one too many: ${limit}`);
    } else {
      this.#supplierIndex.set(text, count);
    }
    return count;
  }
}

function columnCountReason(fields: readonly string[]): string {
  const reason = `${fields.length} columns; expected ${COLUMNS.length}: ${HEADER}`;
  const commaPrice = fields.length === COLUMNS.length + 1 && /^[0-9]+$/.test(fields[4] ?? "");
  return commaPrice ? `${reason} (a price takes a decimal point, 18.25)` : reason;
}

/** A value from the file for a message: quoted, of limited length, without control characters. */
function shown(text: string): string {
  const clipped = text.length <= 80 ? text : `${text.slice(0, 77)}...`;
  return `"${clipped.replace(/\p{Cc}/gu, "?")}"`;
}
