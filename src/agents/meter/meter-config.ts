// The configuration of a meter's gateway. Paths in it are relative to its own folder.
import { dirname, resolve } from "node:path";
import { z } from "zod";
import type { MarketDocument } from "../../market/market-document.ts";
import { readConfig } from "../../platform/config-file.ts";
import { idleSource, type OrderSource, planSource, ruleSource } from "./order-sources.ts";
import { type ReadingSource, readingFileSource } from "./reading-sources.ts";

const path = z.string().min(1);
const price = z.union([z.string(), z.number().transform(String)]);

const ordersSchema = z.discriminatedUnion("source", [
  /** A file `period_start,side,energy_wh,limit_price_ct_per_kwh`. */
  z.strictObject({ source: z.literal("plan"), file: path }),
  /** A file `period_start,import_wh,export_wh`, and the limits of what is lacking and left over. */
  z.strictObject({
    source: z.literal("rule"),
    forecast: path,
    sell_above_ct_per_kwh: price.optional(),
    buy_below_ct_per_kwh: price.optional(),
  }),
  z.strictObject({ source: z.literal("none") }),
]);

/** A file `period_start,import_wh,export_wh` that grows. */
const readingsSchema = z.strictObject({ source: z.literal("file"), file: path });

const configSchema = z.strictObject({
  /** The market document. */
  market: path,
  /** The folder with the meter's key and certificate. */
  identity: path,
  /** The file of its private history. */
  history: path,
  orders: ordersSchema.default({ source: "none" }),
  /** What was metered; without it the household's periods are estimated. */
  readings: readingsSchema.optional(),
  /** Within how many periods before the gate closes it sends its order, at a random moment. */
  lead_periods: z.int().min(1).max(96).default(2),
});

export type MeterConfig = z.infer<typeof configSchema>;

/** Reads a configuration, its paths made absolute; an error names the file and what is wrong with it. */
export async function readMeterConfig(file: string): Promise<MeterConfig> {
  const config = await readConfig(file, configSchema);
  const at = (path: string) => resolve(dirname(file), path);
  const { orders, readings } = config;
  return {
    ...config,
    market: at(config.market),
    identity: at(config.identity),
    history: at(config.history),
    ...(readings === undefined ? {} : { readings: { ...readings, file: at(readings.file) } }),
    orders:
      orders.source === "plan"
        ? { ...orders, file: at(orders.file) }
        : orders.source === "rule"
          ? { ...orders, forecast: at(orders.forecast) }
          : orders,
  };
}

/** The source of orders that a configuration names. Throws when a price or a file is wrong. */
export async function configuredSource(
  orders: MeterConfig["orders"],
  { parameters, schedule }: MarketDocument,
): Promise<OrderSource> {
  if (orders.source === "none") return idleSource;
  const common = { parameters, periodS: schedule.period_s };
  if (orders.source === "plan") return planSource({ ...common, file: orders.file });
  const tickOf = (field: "sell_above_ct_per_kwh" | "buy_below_ct_per_kwh"): number | null => {
    const text = orders[field];
    if (text === undefined) return null;
    const tick = parameters.grid.tickOf(text);
    if (typeof tick === "number") return tick;
    throw new Error(`orders.${field}: ${text} is ${tick.message}`);
  };
  const rule = {
    sellTick: tickOf("sell_above_ct_per_kwh"),
    buyTick: tickOf("buy_below_ct_per_kwh"),
  };
  return ruleSource({ ...common, file: orders.forecast, rule });
}

/** The source of readings that a configuration names; undefined without one. */
export function configuredReadings(
  readings: MeterConfig["readings"],
  { parameters, schedule, settlement }: MarketDocument,
): ReadingSource | undefined {
  if (readings === undefined) return undefined;
  if (settlement === null) throw new Error("readings: this market has no settlement");
  return readingFileSource({ parameters, periodS: schedule.period_s, file: readings.file });
}
