// What a meter says after delivery, in clear: what its household imported and exported, and the advice on what that
// leaves for its supplier (Abidin, Aly, Cleemput, Mustafa 2016, section 3). Only the household's own meter holds these.
import { assert } from "../platform/assert.ts";
import { writeBits } from "./bit-rows.ts";
import { UNIT_BITS, UNITS_PER_WH } from "./order.ts";

export interface Reading {
  /** From and to the grid, as the meter counted, 0 .. 2^energyBits - 1 Wh each. */
  readonly importedWh: number;
  readonly exportedWh: number;
  /** Energy that the supplier delivers, and takes, in units of 2^-10 Wh. At most one of them is above 0. */
  readonly shortageUnits: number;
  readonly surplusUnits: number;
}

/**
 * The advice that belongs to what was metered and traded: imported - exported - bought + sold is what is short, or
 * left over.
 */
export function readingOf(
  metered: Pick<Reading, "importedWh" | "exportedWh">,
  netUnits: number,
): Reading {
  const { importedWh, exportedWh } = metered;
  const short = (importedWh - exportedWh) * UNITS_PER_WH - netUnits;
  assert(Number.isSafeInteger(short), "energies are counted exactly");
  return { ...metered, shortageUnits: Math.max(0, short), surplusUnits: Math.max(0, -short) };
}

/** A reading as a row of bits: imported, exported, shortage, surplus, each most significant bit first. */
export interface ReadingLayout {
  readonly energyBits: number;
  /** Bits of shortage and of surplus: what is metered and what is traded together. */
  readonly adviceBits: number;
  readonly bits: number;
  readonly width: number;
}

export function readingLayout(energyBits: number): ReadingLayout {
  const adviceBits = energyBits + 1 + UNIT_BITS;
  const bits = 2 * (energyBits + adviceBits);
  return { energyBits, adviceBits, bits, width: bits };
}

/** Where each number of a reading stands in its row. */
export function readingFields({ energyBits, adviceBits }: ReadingLayout) {
  const imported = [0, energyBits] as const;
  const exported = [energyBits, 2 * energyBits] as const;
  const shortage = [exported[1], exported[1] + adviceBits] as const;
  const surplus = [shortage[1], shortage[1] + adviceBits] as const;
  return { imported, exported, shortage, surplus };
}

/** Readings as rows of bits, `layout.width` bytes each. */
export function readingRows(readings: readonly Reading[], layout: ReadingLayout): Uint8Array {
  const rows = new Uint8Array(readings.length * layout.width);
  const fields = readingFields(layout);
  readings.forEach((reading, index) => {
    const row = rows.subarray(index * layout.width, (index + 1) * layout.width);
    const write = ([from, to]: readonly [number, number], value: number) =>
      writeBits(row, from, to - from, value);
    write(fields.imported, reading.importedWh);
    write(fields.exported, reading.exportedWh);
    write(fields.shortage, reading.shortageUnits);
    write(fields.surplus, reading.surplusUnits);
  });
  return rows;
}
