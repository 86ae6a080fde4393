// The arguments of hushwatt meter.
import type { Command } from "commander";
import { periodArgument } from "../period-argument.ts";
import type { HistoryOptions, OrderOptions } from "./run-meter.ts";

export function addMeterCommand(program: Command): void {
  const meter = program
    .command("meter")
    .description("take part in the market for a household, until interrupted")
    .requiredOption("--config <file>", "the meter's configuration")
    .action(async ({ config }: { config: string }) => {
      const { runMeter } = await import("./run-meter.ts");
      await runMeter(config);
    });
  const withConfig = { showGlobalOptions: true };
  meter
    .command("order")
    .description("place or replace the order for one settlement period now")
    .configureHelp(withConfig)
    .requiredOption("--period <start>", "start of the period in UTC", periodArgument)
    .requiredOption("--side <side>", "buy, sell or idle")
    .option("--energy-wh <Wh>", "energy in whole Wh", "0")
    .option("--limit <ct>", "limit price in ct/kWh", "")
    .action(async (_: unknown, command: Command) => {
      const { placeOrder } = await import("./run-meter.ts");
      await placeOrder(command.optsWithGlobals<OrderOptions>());
    });
  meter
    .command("history")
    .description("show the meter's orders and what came of them")
    .configureHelp(withConfig)
    .option("--from <start>", "from this period on, in UTC", periodArgument)
    .option("--to <start>", "before this period, in UTC", periodArgument)
    .action(async (_: unknown, command: Command) => {
      const { showHistory } = await import("./run-meter.ts");
      await showHistory(command.optsWithGlobals<HistoryOptions>());
    });
}
