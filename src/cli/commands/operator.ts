// The arguments of hushwatt operator.
import type { Command } from "commander";
import { periodArgument } from "../period-argument.ts";
import { wholeNumber } from "../setting-options.ts";
import type { StatusOptions } from "./run-operator.ts";
import type { ServeOptions } from "./run-operator-serve.ts";

function addServeCommand(operator: Command): void {
  operator
    .command("serve")
    .description("serve the market's pages to browsers, with public data only")
    .requiredOption("--market <file>", "the market document")
    .option("--host <host>", "listen there", "127.0.0.1")
    .option(
      "--port <n>",
      "listen at this port; 0 for any that is free",
      wholeNumber(0, 65_535),
      8440,
    )
    .option("--certificate <file>", "that browsers trust, in PEM; needed but on a loopback address")
    .option("--key <file>", "of the certificate, in PEM")
    .action(async (options: ServeOptions) => {
      const { servePages } = await import("./run-operator-serve.ts");
      await servePages(options);
    });
}

export function addOperatorCommand(program: Command): void {
  const operator = program.command("operator").description("watch a market, serve its pages");
  addServeCommand(operator);
  operator
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
