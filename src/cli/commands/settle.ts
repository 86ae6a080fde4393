// The arguments of hushwatt settle.
import type { Command } from "commander";
import { periodArgument } from "../period-argument.ts";
import { withSettingOptions } from "../setting-options.ts";
import type { SettleOptions } from "./run-settle.ts";

export function addSettleCommand(program: Command): void {
  withSettingOptions(
    program
      .command("settle")
      .description("clear and settle one period from files of orders and readings")
      .argument("<readings>", "CSV: meter,import_wh,export_wh")
      .requiredOption(
        "--orders <file>",
        "CSV: meter,side,energy_wh,limit_price_ct_per_kwh,supplier",
      )
      .requiredOption(
        "--market <file>",
        "market parameters with suppliers and settlement (MARKET.json)",
      )
      .option(
        "--period <start>",
        "start of the period in UTC; needed where tariffs change by the hour",
        periodArgument,
      ),
  )
    .option("--json", "print one JSON object")
    .option("--out <file>", "write to a file: JSON if it ends in .json, else every row as text")
    .action(async (readings: string, options: SettleOptions) => {
      const { settleCommand } = await import("./run-settle.ts");
      await settleCommand(readings, options);
    });
}
