// What a meter says after delivery, split and ready to be sent: what it keeps before it sends anything. Holds the
// reading in clear.
import { z } from "zod";
import type { MarketDocument } from "../market/market-document.ts";
import { readingPieces } from "../market/order-pieces.ts";
import { type Reading, readingLayout, readingOf, readingRows } from "../market/reading.ts";
import { orderId } from "../wire/records.ts";
import {
  type BodyTools,
  type Household,
  packBodies,
  splitBody,
  unpackBodies,
} from "./prepared-body.ts";
import { type RowMask, rowSharing } from "./row-sharing.ts";

/** From and to the grid, in whole Wh, as the meter counted. */
export type Metered = Pick<Reading, "importedWh" | "exportedWh">;

export interface PreparedReading {
  /** Start of the settlement period, in seconds since 1970 UTC. */
  readonly periodStart: number;
  readonly sequence: number;
  readonly reading: Reading;
  readonly readingId: string;
  /** By evaluator. */
  readonly bodies: readonly Uint8Array[];
}

/** The reading cannot be; says what is wrong and what would be right. */
export class ReadingInputError extends Error {
  override readonly name = "ReadingInputError";
}

/**
 * Splits a reading. `netUnits` is what the meter bought less what it sold in the period, in units of 2^-10 Wh: the
 * advice on what is short or left over follows from it. Every reading has the same length. In a market with a dealer it
 * takes a mask that has hidden nothing before. Throws ReadingInputError.
 */
export function prepareReading(
  tools: BodyTools,
  market: MarketDocument,
  { meter }: Pick<Household, "meter">,
  periodStart: number,
  metered: Metered,
  netUnits: number,
  sequence: number,
  mask: RowMask | null = null,
): PreparedReading {
  checkMetered(market, metered, sequence);
  const layout = readingLayout(market.parameters.energyBits);
  const sharing = rowSharing(market.setting, mask);
  if (sharing === null) {
    throw new ReadingInputError("a market with a dealer takes masked readings only");
  }
  const pieces = readingPieces(market.setting, layout);
  const { importedWh, exportedWh } = metered;
  const reading = readingOf({ importedWh, exportedWh }, netUnits);
  const row = readingRows([reading], layout);
  const when = { periodStart, sequence };
  const { id, bodies } = splitBody(tools, market, { meter }, when, {
    sharing,
    pieces,
    row,
    bits: layout.bits,
  });
  return { ...when, reading, readingId: id, bodies };
}

/** Throws ReadingInputError when a reading cannot be, whatever hides it. */
export function checkMetered(
  { parameters }: MarketDocument,
  { importedWh, exportedWh }: Metered,
  sequence: number,
): void {
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new ReadingInputError(`the sequence number is ${sequence}; it must be a whole number`);
  }
  const mostWh = 2 ** parameters.energyBits - 1;
  for (const [name, value] of [
    ["imported", importedWh],
    ["exported", exportedWh],
  ] as const) {
    if (Number.isInteger(value) && value >= 0 && value <= mostWh) continue;
    const right = `it must be whole Wh from 0 to ${mostWh}`;
    throw new ReadingInputError(`the ${name} energy is ${value}; ${right}`);
  }
}

const MAGIC = "HWQ1";
const headerSchema = z.strictObject({
  period_start: z.int(),
  sequence: z.int().min(0),
  imported_wh: z.int().min(0),
  exported_wh: z.int().min(0),
  shortage_units: z.int().min(0),
  surplus_units: z.int().min(0),
  reading: orderId,
  lengths: z.array(z.int().min(1)),
});

/** As bytes, to be kept. */
export function encodeReading(prepared: PreparedReading): Uint8Array<ArrayBuffer> {
  const { importedWh, exportedWh, shortageUnits, surplusUnits } = prepared.reading;
  const header: Omit<z.infer<typeof headerSchema>, "lengths"> = {
    period_start: prepared.periodStart,
    sequence: prepared.sequence,
    imported_wh: importedWh,
    exported_wh: exportedWh,
    shortage_units: shortageUnits,
    surplus_units: surplusUnits,
    reading: prepared.readingId,
  };
  return packBodies(MAGIC, header, prepared.bodies);
}

/** The inverse. Throws ReadingInputError when the bytes are not of `encodeReading`. */
export function decodeReading(bytes: Uint8Array): PreparedReading {
  const kept = unpackBodies(MAGIC, bytes, (header) => headerSchema.safeParse(header).data);
  if (kept === null) throw new ReadingInputError("the kept reading is damaged");
  const { header, bodies } = kept;
  return {
    periodStart: header.period_start,
    sequence: header.sequence,
    reading: {
      importedWh: header.imported_wh,
      exportedWh: header.exported_wh,
      shortageUnits: header.shortage_units,
      surplusUnits: header.surplus_units,
    },
    readingId: header.reading,
    bodies,
  };
}
