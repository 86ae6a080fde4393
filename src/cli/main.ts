// The `hushwatt` command line: reads arguments, runs a command, turns errors into messages and exit codes. The
// code of a command is loaded when it is run.
import { Command, InvalidArgumentError } from "commander";
import { messageOf } from "../platform/errors.ts";
import { addBillCommand } from "./commands/bill.ts";
import type { ClearOptions } from "./commands/clear.ts";
import { addDealerCommand } from "./commands/dealer.ts";
import { addEnrolCommand } from "./commands/enrol.ts";
import { addEvaluatorCommand } from "./commands/evaluator.ts";
import { addInitCommand } from "./commands/init.ts";
import { addMeterCommand } from "./commands/meter.ts";
import { addOperatorCommand } from "./commands/operator.ts";
import { addRegistrarCommand } from "./commands/registrar.ts";
import { addRequestCommand } from "./commands/request.ts";
import { addRevokeCommand } from "./commands/revoke.ts";
import { addSettleCommand } from "./commands/settle.ts";
import type { StartOptions } from "./commands/start.ts";
import { addSupplierCommand } from "./commands/supplier.ts";
import { SETTING_OPTIONS, wholeNumber, withSettingOptions } from "./setting-options.ts";
import { EXIT_BAD_INPUT, EXIT_FAILED, InputError } from "./terminal.ts";

const MOST_HOUSEHOLDS = 10_000;
const LARGEST_SEED = 2 ** 32 - 1;
const FASTEST = 100_000;

function coinText(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be 64 hexadecimal digits, as a clearing prints them.");
}

function hourSpan(text: string): readonly [number, number] {
  const [, from, to] = /^(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  const span = [Number(from), Number(to)] as const;
  if (span[0] < span[1] && span[1] <= 24) return span;
  throw new InvalidArgumentError("Two whole hours from 0 to 24, the later one last, as in 10-14.");
}

function withClearOptions(command: Command): Command {
  return withSettingOptions(
    command.option(
      "--market <file>",
      "market parameters (MARKET.json); minimum_group is 1 unless given",
    ),
  )
    .option("--json", "print one JSON object")
    .option("--out <file>", "write to a file: JSON if it ends in .json, else every row as text")
    .option("--skip-invalid", "report invalid rows, clear the others")
    .option(
      "--coin <hex>",
      "with --engine plain: the priority coin of a clearing to check",
      coinText,
    );
}

function program(): Command {
  const hushwatt = new Command("hushwatt")
    .description("A private local electricity market: clears orders that nobody can read")
    .showHelpAfterError("(--help says more)")
    // Before the commands are added: each takes over what holds here at that moment.
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : EXIT_BAD_INPUT);
    });
  withClearOptions(
    hushwatt
      .command("clear")
      .description("clear one settlement period from a file of orders")
      .argument("<orders>", "CSV: meter,side,energy_wh,limit_price_ct_per_kwh,supplier"),
  ).action(async (orders: string, options: ClearOptions) => {
    const { clearCommand } = await import("./commands/clear.ts");
    await clearCommand(orders, options);
  });
  withClearOptions(
    hushwatt
      .command("start")
      .description(
        "run a market for a simulated summer day of a community, or clear a file of orders",
      )
      .option("--orders <file>", "clear this file instead of the simulated day")
      .option("--seed <number>", "another day", wholeNumber(0, LARGEST_SEED), 5)
      .option("--households <number>", "size of the community", wholeNumber(1, MOST_HOUSEHOLDS), 60)
      .option(
        "--speed <factor>",
        "how much faster the day goes by; what the machine allows unless given",
        wholeNumber(1, FASTEST),
      )
      .option("--hours <from-to>", "only these hours of the day, in UTC, as in 10-14", hourSpan)
      .option("--full", "a row for every quarter-hour")
      .option("--keep", "go on after the day, until interrupted"),
  ).action(async (options: StartOptions & ClearOptions & { orders?: string }, command: Command) => {
    const { orders } = options;
    refuseOptions(command, orders === undefined ? CLEAR_ONLY : DAY_ONLY, orders);
    if (orders === undefined) await (await import("./commands/start.ts")).startCommand(options);
    else await (await import("./commands/clear.ts")).clearCommand(orders, options);
  });
  addEvaluatorCommand(hushwatt);
  addDealerCommand(hushwatt);
  addMeterCommand(hushwatt);
  addBillCommand(hushwatt);
  addSettleCommand(hushwatt);
  addSupplierCommand(hushwatt);
  addOperatorCommand(hushwatt);
  addInitCommand(hushwatt);
  addRequestCommand(hushwatt);
  addEnrolCommand(hushwatt);
  addRevokeCommand(hushwatt);
  addRegistrarCommand(hushwatt);
  return hushwatt;
}

const CLEAR_ONLY = ["market", ...SETTING_OPTIONS, "json", "out", "skipInvalid", "coin"];
const DAY_ONLY = ["seed", "households", "speed", "hours", "full", "keep"];

/** Refuses options that mean nothing with, or without, a file of orders. */
function refuseOptions(command: Command, names: readonly string[], orders?: string): void {
  const given = names.filter((name) => command.getOptionValueSource(name) === "cli");
  if (given.length === 0) return;
  const flags = command.options
    .filter((option) => given.includes(option.attributeName()))
    .map((option) => option.long);
  const when = orders === undefined ? "only with --orders FILE" : "not with --orders FILE";
  throw new InputError([`${flags.join(", ")}: ${when}`]);
}

/** A reader that has seen enough, such as `head`, is no failure. */
function ignoreClosedOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

async function main(): Promise<void> {
  ignoreClosedOutput();
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof InputError) {
      process.stderr.write(`${error.problems.join("\n")}\n`);
      process.exitCode = EXIT_BAD_INPUT;
      return;
    }
    process.stderr.write(`hushwatt: ${messageOf(error)}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

await main();
