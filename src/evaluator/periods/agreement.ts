// The set of orders, or of readings, that counts: those that every evaluator of the group holds, of each meter the last
// one that all of them hold. Only names are compared. A meter's earlier orders stay until then: its last one may not
// have reached everybody.
import { ChannelError } from "../../channel/channel.ts";
import { AbortError } from "../../mpc/abort.ts";
import { LIMITS } from "../../platform/limits.ts";
import type { Primitives } from "../../platform/primitives.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import { fromHex, toHex } from "../../wire/hex.ts";
import type { BodyKind } from "../../wire/order-body.ts";
import type { Agreed } from "../../wire/records.ts";
import { getU64, putU64 } from "../../wire/u64.ts";
import type { Exchanges } from "./exchange.ts";
import { agreementSchema, type Position } from "./round-messages.ts";

const METER_BYTES = 16;
const ORDER_BYTES = 32;
/** Meter, sequence number, supplier, order. */
const SEQUENCE_AT = METER_BYTES;
const SUPPLIER_AT = SEQUENCE_AT + 8;
const ORDER_AT = SUPPLIER_AT + 1;
const ENTRY_BYTES = ORDER_AT + ORDER_BYTES;

/** A list of orders as bytes: the same for the same orders. `entries` by meter, then descending sequence number. */
export function listBytes(entries: readonly OrderEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  entries.forEach(({ meter, sequence, supplier, orderId }, i) => {
    const at = i * ENTRY_BYTES;
    bytes.set(fromHex(meter), at);
    putU64(view, at + SEQUENCE_AT, sequence);
    bytes[at + SUPPLIER_AT] = supplier;
    bytes.set(fromHex(orderId), at + ORDER_AT);
  });
  return bytes;
}

/** What a position says of a list. */
export const listDigest = ({ sha256 }: Pick<Primitives, "sha256">, bytes: Uint8Array): string =>
  toHex(sha256(bytes));

/** The entries of such a list, which was announced with as many. */
export function entriesIn(list: Uint8Array): OrderEntry[] {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  return Array.from({ length: list.length / ENTRY_BYTES }, (_, i) => {
    const at = i * ENTRY_BYTES;
    return {
      meter: toHex(list.subarray(at, at + METER_BYTES)),
      sequence: getU64(view, at + SEQUENCE_AT) ?? 0,
      supplier: list[at + SUPPLIER_AT]!,
      orderId: toHex(list.subarray(at + ORDER_AT, at + ENTRY_BYTES)),
    };
  });
}

/** What a set of names that was agreed on takes at most. */
export const MOST_LIST_BYTES = ENTRY_BYTES * LIMITS.orders;

/** Finds the common set, by meter; all members find the same. Exchanges lists only where digests differ. */
export async function agreeOnOrders(
  exchanges: Exchanges,
  positions: ReadonlyMap<number, Pick<Position<unknown>, "orders" | "ordersDigest">>,
  entries: readonly OrderEntry[],
  bytes: Uint8Array,
): Promise<readonly OrderEntry[]> {
  const own = positions.get(exchanges.party)!;
  const alike = [...positions.values()].every(
    ({ ordersDigest }) => ordersDigest === own.ordersDigest,
  );
  if (alike) return commonOrders(entries, []);
  const mostBytes = ENTRY_BYTES * LIMITS.orders * LIMITS.orderVersions;
  const lists = await exchanges.allBytes(bytes, mostBytes);
  const others = [...lists].filter(([member]) => member !== exchanges.party);
  for (const [member, list] of others) {
    if (list.length !== positions.get(member)!.orders * ENTRY_BYTES) {
      const message = `evaluator-${member} sent another list of orders than it had announced`;
      throw new ChannelError("protocol", message);
    }
  }
  return commonOrders(
    entries,
    others.map(([, list]) => namesIn(list)),
  );
}

/** Tells the others which set this evaluator has found. AbortError unless theirs is the same. */
export async function confirmAgreed(
  exchanges: Exchanges,
  what: BodyKind,
  agreed: Agreed,
): Promise<void> {
  const all = await exchanges.all(agreementSchema, { agreed });
  for (const [member, theirs] of all) {
    if (theirs.agreed.root === agreed.root && theirs.agreed.count === agreed.count) continue;
    throw new AbortError(`evaluator-${member} has agreed to another set of ${what}s`);
  }
}

/** Per entry of a list a text that only the same entry has. */
function namesIn(list: Uint8Array): ReadonlySet<string> {
  const names = new Set<string>();
  const buffer = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
  for (let at = 0; at < list.length; at += ENTRY_BYTES) {
    names.add(buffer.toString("latin1", at, at + ENTRY_BYTES));
  }
  return names;
}

/** Of each meter the first entry (its last order) that is in all lists. */
function commonOrders(
  entries: readonly OrderEntry[],
  lists: readonly ReadonlySet<string>[],
): readonly OrderEntry[] {
  const common: OrderEntry[] = [];
  for (const entry of entries) {
    if (common.at(-1)?.meter === entry.meter) continue;
    if (lists.length > 0) {
      const name = Buffer.from(listBytes([entry])).toString("latin1");
      if (!lists.every((names) => names.has(name))) continue;
    }
    common.push(entry);
  }
  return common;
}
