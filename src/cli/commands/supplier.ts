// The arguments of hushwatt supplier.
import type { Command } from "commander";
import { periodArgument } from "../period-argument.ts";
import type { SupplierOptions } from "./run-supplier.ts";

export function addSupplierCommand(program: Command): void {
  program
    .command("supplier")
    .description("fetch what a supplier's customers traded together, per settlement period")
    .requiredOption("--config <file>", "the supplier's configuration")
    .option(
      "--from <start>",
      "from this period on, in UTC; the market's first unless given",
      periodArgument,
    )
    .option(
      "--to <start>",
      "before this period, in UTC; all that are decided unless given",
      periodArgument,
    )
    .option("--csv <file>", "keep the rows in this file; what it has is not fetched again")
    .option("--json <file>", "the same as JSON")
    .option("--metered <file>", "keep metered sums and positions in this file, as CSV")
    .option("--payables <folder>", "keep what each customer owes for a month in this folder")
    .option("--follow", "go on with every period when it is decided, until interrupted")
    .action(async (options: SupplierOptions) => {
      const { runSupplier } = await import("./run-supplier.ts");
      await runSupplier(options);
    });
}
