// What an evaluator keeps of a settled period: which meters it covers, and its shares of what each of them owes.
//   0   number of meters, u32 little-endian
//   4   per meter, in their order: id (16 bytes), supplier, flags (1 estimated, 2 in the metered sums)
//       shares of traded, fees, shortage and surplus (share-bytes.ts)
import { assert } from "../platform/assert.ts";
import { fromHex, toHex } from "../wire/hex.ts";

export interface CoveredMeter {
  readonly meter: string;
  readonly supplier: number;
  readonly estimated: boolean;
  /** Whether its supplier's metered sums cover it. */
  readonly grouped: boolean;
}

export interface SettledShares {
  readonly meters: readonly CoveredMeter[];
  readonly shares: Uint8Array;
}

/** How many vectors of shares there are. */
export const SETTLED_VECTORS = 4;

const COUNT_BYTES = 4;
const ID_BYTES = 16;
const METER_BYTES = ID_BYTES + 2;
const ESTIMATED = 1;
const GROUPED = 2;

/** The meters as bytes, the same at all evaluators. */
export function meterBytes(meters: readonly CoveredMeter[]): Uint8Array {
  const bytes = new Uint8Array(COUNT_BYTES + meters.length * METER_BYTES);
  new DataView(bytes.buffer).setUint32(0, meters.length, true);
  meters.forEach(({ meter, supplier, estimated, grouped }, i) => {
    const at = COUNT_BYTES + i * METER_BYTES;
    bytes.set(fromHex(meter), at);
    bytes[at + ID_BYTES] = supplier;
    bytes[at + ID_BYTES + 1] = (estimated ? ESTIMATED : 0) | (grouped ? GROUPED : 0);
  });
  return bytes;
}

export function encodeSettled(meters: Uint8Array, shares: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(meters.length + shares.length);
  bytes.set(meters);
  bytes.set(shares, meters.length);
  return bytes;
}

export function decodeSettled(bytes: Uint8Array): SettledShares {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  const sharesAt = COUNT_BYTES + count * METER_BYTES;
  assert(bytes.length >= sharesAt, "what is kept of a settlement is whole");
  const meters = Array.from({ length: count }, (_, i) => {
    const at = COUNT_BYTES + i * METER_BYTES;
    const flags = bytes[at + ID_BYTES + 1]!;
    return {
      meter: toHex(bytes.subarray(at, at + ID_BYTES)),
      supplier: bytes[at + ID_BYTES]!,
      estimated: (flags & ESTIMATED) !== 0,
      grouped: (flags & GROUPED) !== 0,
    };
  });
  return { meters, shares: bytes.subarray(sharesAt) };
}
