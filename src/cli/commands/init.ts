// The arguments of hushwatt init.
import type { Command } from "commander";
import {
  addressArgument,
  dealerArgument,
  evaluatorsArgument,
  idArgument,
  periodLengthArgument,
  startArgument,
  webArgument,
  websArgument,
} from "../new-market-options.ts";
import { withSettingOptions } from "../setting-options.ts";
import type { InitOptions } from "./run-init.ts";

const repeated = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function addInitCommand(program: Command): void {
  const command = program
    .command("init")
    .description("make a new market: its document, its certificate authority, its configurations")
    .argument("<folder>", "the new market's folder, which stays with its registrar")
    .option("--name <name>", "the market's name")
    .option(
      "--id <id>",
      "short name in small letters, digits and hyphens (from the name)",
      idArgument,
    )
    .option("--market <file>", "market parameters, tariffs and dates of bills (MARKET.json)")
    .option("--supplier <name>", "a supplier; once for each", repeated)
    .option(
      "--evaluators <[name=]host:port[:port],...>",
      "each evaluator: its organisation, where meters reach it, and its port for evaluators (the next)",
      evaluatorsArgument,
    )
    .option(
      "--evaluators-web <url,...>",
      "where browsers reach each evaluator, in the same order: https://HOST:PORT",
      websArgument,
    )
    .option("--registrar-web <url>", "where browsers enrol with codes", webArgument)
    .option(
      "--dealer <[name=]host:port[:port]>",
      "with --engine dealer: where meters reach the dealer, and its port for evaluators (the next)",
      dealerArgument,
    )
    .option("--local", "everything on this machine, for trying out")
    .option("--registrar <host:port>", "where meters enrol with codes", addressArgument)
    .option(
      "--period <length>",
      "of a settlement period: seconds, or 15min",
      periodLengthArgument,
      900,
    )
    .option(
      "--first-period <start>",
      "start of the first period that is traded, in UTC",
      startArgument,
    );
  withSettingOptions(command).action(async (folder: string, options: InitOptions) => {
    const { initCommand } = await import("./run-init.ts");
    await initCommand(folder, options);
  });
}
