// What evaluators name to a market's dealer when a month is closed: its meters, its settlements, and whom each of these
// covers. Public among evaluators; the dealer learns no amount.
//   per meter, in order of ids: id (16 bytes), supplier
//   per settlement, in order of time: start and attempt (u32 little-endian each), session (16 bytes),
//     a bit per meter, lowest first: whether it is covered
import { fromHex, toHex } from "./hex.ts";

export interface NamedMeter {
  readonly meter: string;
  readonly supplier: number;
}

export interface NamedSettlement {
  /** Start of the period, in seconds since 1970 UTC. */
  readonly start: number;
  readonly attempt: number;
  /** The dealer's session, 32 hexadecimal digits. */
  readonly session: string;
  /** Places of the meters that it covers, ascending. */
  readonly covered: Uint32Array;
}

export interface MonthNames {
  readonly meters: readonly NamedMeter[];
  readonly settlements: readonly NamedSettlement[];
}

const ID_BYTES = 16;
const METER_BYTES = ID_BYTES + 1;
const SESSION_AT = 8;
const BITS_AT = SESSION_AT + 16;

const settlementBytes = (meters: number): number => BITS_AT + Math.ceil(meters / 8);

/** The length of the names of so many meters and settlements. */
export const monthNamesLength = (meters: number, settlements: number): number =>
  meters * METER_BYTES + settlements * settlementBytes(meters);

export function encodeMonthNames({ meters, settlements }: MonthNames): Uint8Array {
  const bytes = new Uint8Array(monthNamesLength(meters.length, settlements.length));
  const view = new DataView(bytes.buffer);
  meters.forEach(({ meter, supplier }, i) => {
    bytes.set(fromHex(meter), i * METER_BYTES);
    bytes[i * METER_BYTES + ID_BYTES] = supplier;
  });
  settlements.forEach(({ start, attempt, session, covered }, i) => {
    const at = meters.length * METER_BYTES + i * settlementBytes(meters.length);
    view.setUint32(at, start, true);
    view.setUint32(at + 4, attempt, true);
    bytes.set(fromHex(session), at + SESSION_AT);
    for (const place of covered) bytes[at + BITS_AT + (place >> 3)]! |= 1 << (place & 7);
  });
  return bytes;
}

/** The inverse, of bytes that have the right length for these counts. */
export function decodeMonthNames(
  bytes: Uint8Array,
  { meters, settlements }: { readonly meters: number; readonly settlements: number },
): MonthNames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    meters: Array.from({ length: meters }, (_, i) => {
      const at = i * METER_BYTES;
      const meter = toHex(bytes.subarray(at, at + ID_BYTES));
      return { meter, supplier: bytes[at + ID_BYTES]! };
    }),
    settlements: Array.from({ length: settlements }, (_, i) => {
      const at = meters * METER_BYTES + i * settlementBytes(meters);
      const bits = bytes.subarray(at + BITS_AT, at + settlementBytes(meters));
      return {
        start: view.getUint32(at, true),
        attempt: view.getUint32(at + 4, true),
        session: toHex(bytes.subarray(at + SESSION_AT, at + BITS_AT)),
        covered: placesIn(bits, meters),
      };
    }),
  };
}

function placesIn(bits: Uint8Array, meters: number): Uint32Array {
  const places = new Uint32Array(meters);
  let found = 0;
  for (let place = 0; place < meters; place++) {
    if (((bits[place >> 3]! >> (place & 7)) & 1) === 1) places[found++] = place;
  }
  return places.subarray(0, found);
}
