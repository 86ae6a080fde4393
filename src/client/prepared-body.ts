// What a meter sends of a period, split and ready: the bodies for all evaluators, and how they are kept as bytes, so
// that after a crash the very same can be sent again. Holds all shares: it never leaves the meter as a whole.
import type { Field } from "../field/field.ts";
import type { MarketDocument } from "../market/market-document.ts";
import type { Primitives } from "../platform/primitives.ts";
import { encodeOrder, marketTag, orderIdOf, type Pieces } from "../wire/order-body.ts";
import { type RowSharing, shareRow } from "./row-sharing.ts";

export interface Household {
  /** The meter's id: 32 hexadecimal digits. */
  readonly meter: string;
  /** Index in the market's list of suppliers; the one that the meter's certificate names. */
  readonly supplier: number;
}

export interface BodyTools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/** One row of small numbers, and how it is sent. */
export interface BodyContent {
  readonly sharing: RowSharing;
  readonly pieces: Pieces;
  readonly row: Uint8Array;
  /** How many of the row's numbers mean something. */
  readonly bits: number;
}

export interface SplitBody {
  /** The name of what was split, the same at all evaluators. */
  readonly id: string;
  /** By evaluator. */
  readonly bodies: readonly Uint8Array[];
}

/** Splits a row. The same row split twice has other shares and another id; a mask must never be used twice. */
export function splitBody(
  tools: BodyTools,
  { id }: Pick<MarketDocument, "id">,
  { meter }: Pick<Household, "meter">,
  when: { readonly periodStart: number; readonly sequence: number },
  { sharing, pieces, row, bits }: BodyContent,
): SplitBody {
  const { primitives } = tools;
  const streams = shareRow(tools, sharing, row, bits);
  const header = { market: marketTag(primitives, id), meter, ...when };
  const bodies = encodeOrder(primitives, header, pieces, streams);
  return { id: orderIdOf(primitives, bodies[0]!, pieces), bodies };
}

const MAGIC_LENGTH = 4;

/** As bytes: four letters, the length of a JSON header (u32 little-endian), the header, the bodies. */
export function packBodies(
  magic: string,
  header: object,
  bodies: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const lengths = bodies.map(({ length }) => length);
  const json = new TextEncoder().encode(JSON.stringify({ ...header, lengths }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  const parts = [new TextEncoder().encode(magic), length, json, ...bodies];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What `packBodies` has packed; null when the bytes are something else. */
export function unpackBodies<Header extends { readonly lengths: readonly number[] }>(
  magic: string,
  bytes: Uint8Array,
  parse: (header: unknown) => Header | undefined,
): { readonly header: Header; readonly bodies: readonly Uint8Array[] } | null {
  const headAt = MAGIC_LENGTH + 4;
  if (bytes.length < headAt || textOf(bytes.subarray(0, MAGIC_LENGTH)) !== magic) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodiesAt = headAt + view.getUint32(MAGIC_LENGTH, true);
  const header = parse(jsonOf(textOf(bytes.subarray(headAt, bodiesAt))));
  if (header === undefined) return null;
  let at = bodiesAt;
  const bodies = header.lengths.map((length) => {
    at += length;
    return bytes.slice(at - length, at);
  });
  return at === bytes.length ? { header, bodies } : null;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
