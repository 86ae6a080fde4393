// Many names of orders, or readings, in one SQL statement, whose text is the same however many there are.
import { type RawBuilder, sql } from "kysely";
import { fromHex } from "../wire/hex.ts";
import type { OrderEntry } from "./evaluator-store.ts";
import type { Kind, RowTable } from "./tables.ts";

/** A builder's statement about orders holds for the other table, too. */
export const typed = (table: RowTable) => table as "meter_order";

/** Ids as the database has them, and as everybody else writes them. */
export const bytes = (text: string) => Buffer.from(fromHex(text));
export const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

/**
 * Joins a table of names, called `asked`, with the rows of `table` that meet `condition`: by one look into the
 * index per name, always. PostgreSQL would read the whole period instead while it has no statistics of it.
 */
export const withOrders = (
  kind: Kind,
  table: RowTable,
  condition: RawBuilder<unknown>,
): RawBuilder<unknown> =>
  kind === "sqlite"
    ? sql`cross join ${sql.table(table)} where ${condition}`
    : sql`cross join lateral (select * from ${sql.table(table)} where ${condition} offset 0) as found`;

/** A table of these entries: place (from 0), meter, sequence, order_id, supplier. */
export function tableOf(kind: Kind, entries: readonly OrderEntry[]): RawBuilder<unknown> {
  if (kind === "sqlite") {
    const rows = entries.map((entry) => [
      entry.meter,
      entry.sequence,
      entry.orderId,
      entry.supplier,
    ]);
    return sql`(select key as place, unhex(value->>0) as meter, value->>1 as sequence, unhex(value->>2) as order_id,
      value->>3 as supplier from json_each(${JSON.stringify(rows)}))`;
  }
  return sql`(select place - 1 as place, decode(meter, 'hex') as meter, sequence, decode(order_id, 'hex') as order_id,
    supplier from unnest(${entries.map(({ meter }) => meter)}::text[],
      ${entries.map(({ sequence }) => sequence)}::bigint[], ${entries.map(({ orderId }) => orderId)}::text[],
      ${entries.map(({ supplier }) => supplier)}::integer[])
    with ordinality as names (meter, sequence, order_id, supplier, place))`;
}

/** The same of meters alone: place, meter. */
export function tableOfMeters(kind: Kind, meters: readonly string[]): RawBuilder<unknown> {
  if (kind === "sqlite") {
    return sql`(select key as place, unhex(value) as meter from json_each(${JSON.stringify(meters)}))`;
  }
  return sql`(select place - 1 as place, decode(meter, 'hex') as meter
    from unnest(${meters}::text[]) with ordinality as names (meter, place))`;
}
