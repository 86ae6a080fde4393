// npm run bench -- NAME: the benchmarks. Each is a program; none is part of the tests.
import { Command, InvalidArgumentError, Option } from "commander";
import { PRICE_RULES, type PriceRule } from "../src/market/parameters.ts";
import { benchClear } from "./clear.ts";

function counts(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !Number.isInteger(value) || value < 1 || value > 2 ** 21)) {
    throw new InvalidArgumentError("Counts from 1 to 2097152, separated by commas.");
  }
  return values;
}

function runs(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("At least 1.");
  return value;
}

const bench = new Command("bench").description("Hushwatt's benchmarks");
bench
  .command("clear")
  .description("clear a period with three evaluator processes")
  .option("--orders <counts>", "sizes, separated by commas", counts, [2500, 100_000, 1_000_000])
  .option("--runs <number>", "counted runs per size", runs, 5)
  .addOption(new Option("--rule <rule>", "price rule").choices(PRICE_RULES).default("midpoint"))
  .option("--json", "print JSON", false)
  .action((options: { orders: number[]; runs: number; rule: PriceRule; json: boolean }) =>
    benchClear(options),
  );
bench
  .command("kernels")
  .description("nanoseconds per element of the field's kernels")
  .action(async () => {
    await import("./kernels.ts");
  });
bench
  .command("link")
  .description("throughput and round trips of a link between two processes")
  .action(async () => {
    await import("./link.ts");
  });
await bench.parseAsync();
