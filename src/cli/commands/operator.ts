// The arguments of hushwatt operator.
import type { Command } from "commander";
import { periodArgument } from "../period-argument.ts";
import type { StatusOptions } from "./run-operator.ts";

export function addOperatorCommand(program: Command): void {
  program
    .command("operator")
    .description("watch a market")
    .command("status")
    .description("the public record of all evaluators side by side; exit code 1 when they disagree")
    .requiredOption("--market <file>", "the market document")
    .option(
      "--from <start>",
      "from this period on, in UTC; the last 24 unless given",
      periodArgument,
    )
    .option("--to <start>", "before this period, in UTC", periodArgument)
    .option("--watch", "again and again, until interrupted")
    .option("--json", "print one JSON object")
    .action(async (options: StatusOptions) => {
      const { showStatus } = await import("./run-operator.ts");
      await showStatus(options);
    });
}
