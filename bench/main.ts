// npm run bench -- NAME: the benchmarks. Each is a program; none is part of the tests.
import { Command, InvalidArgumentError, Option } from "commander";
import { PRICE_RULES } from "../src/market/parameters.ts";
import { ALGORITHMS, ENGINES, SECURITY_LEVELS } from "../src/wire/setting.ts";
import { benchClear, type ClearBenchOptions } from "./clear.ts";
import { benchClosure, type ClosureBenchOptions } from "./closure.ts";
import { benchIngest, type IngestBenchOptions } from "./ingest.ts";
import { benchMonth, type MonthBenchOptions } from "./month.ts";
import { benchSettle, type SettleBenchOptions } from "./settle.ts";

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

/** Some of the words that there are, separated by commas. */
const wordsOf =
  <T extends string>(known: readonly T[]) =>
  (text: string): T[] =>
    text.split(",").map((word) => {
      const found = known.find((one) => one === word);
      if (found !== undefined) return found;
      throw new InvalidArgumentError(`Some of ${known.join(", ")}, separated by commas.`);
    });

const bench = new Command("bench").description("Hushwatt's benchmarks");
bench
  .command("clear")
  .description("clear a period with evaluator processes, in every combination of settings")
  .option("--orders <counts>", "sizes, separated by commas", counts, [2500, 100_000, 1_000_000])
  .option("--runs <number>", "counted runs per size", runs, 5)
  .option("--engine <names>", ENGINES.join(","), wordsOf(ENGINES), ["replicated"])
  .option("--parties <counts>", "evaluators, separated by commas", counts, [3])
  .addOption(
    new Option("--threshold <counts>", "how many are withstood")
      .argParser(counts)
      .default([], "as many as can be"),
  )
  .addOption(
    new Option("--security <levels>", SECURITY_LEVELS.join(","))
      .argParser(wordsOf(SECURITY_LEVELS))
      .default([], "semi-honest; dealer: malicious"),
  )
  .option("--algorithm <names>", ALGORITHMS.join(","), wordsOf(ALGORITHMS), ["descent"])
  .addOption(new Option("--rule <rule>", "price rule").choices(PRICE_RULES).default("midpoint"))
  .option("--json", "print JSON", false)
  .action((options: ClearBenchOptions) => benchClear(options));
bench
  .command("settle")
  .description("settle a period with evaluator processes; the engine dealer is not measured")
  .option("--meters <counts>", "sizes, separated by commas", counts, [2500, 100_000, 1_000_000])
  .option("--runs <number>", "counted runs per size", runs, 5)
  .option("--engine <names>", "replicated,shamir", wordsOf(["replicated", "shamir"]), [
    "replicated",
  ])
  .option("--parties <counts>", "evaluators, separated by commas", counts, [3])
  .addOption(
    new Option("--threshold <counts>", "how many are withstood")
      .argParser(counts)
      .default([], "as many as can be"),
  )
  .addOption(
    new Option("--security <levels>", SECURITY_LEVELS.join(","))
      .argParser(wordsOf(SECURITY_LEVELS))
      .default([], "semi-honest"),
  )
  .option("--json", "print JSON", false)
  .action((options: SettleBenchOptions) => benchSettle(options));
bench
  .command("ingest")
  .description("signed orders per second to the evaluators of a running market")
  .option("--rate <orders>", "per second; without it as many as go", runs)
  .option("--at-once <orders>", "without a rate: how many are under way", runs, 64)
  .option("--seconds <number>", "how long", runs, 10)
  .option("--meters <number>", "how many send", runs, 300)
  .addOption(
    new Option("--store <store>", "database").choices(["sqlite", "postgres"]).default("sqlite"),
  )
  .option("--json", "print JSON", false)
  .action((options: Omit<IngestBenchOptions, "rate"> & { rate?: number }) =>
    benchIngest({ ...options, rate: options.rate ?? null }),
  );
bench
  .command("closure")
  .description("from gate closure to a period's result, with orders prepared before and after it")
  .option("--orders <counts>", "sizes, separated by commas", counts, [2_500, 20_000])
  .option("--runs <number>", "counted runs of each", runs, 3)
  .addOption(new Option("--security <level>").choices([...SECURITY_LEVELS]).default("semi-honest"))
  .action((options: ClosureBenchOptions) => benchClosure(options));
bench
  .command("month")
  .description("a month of measured homes on a running market, checked against the plain rules")
  .option("--days <number>", "the last ones of a month", runs, 30)
  .option("--households <number>", "how many", runs, 100)
  .option("--seed <number>", "other forecasts and limits", runs, 1)
  .option("--period-ms <ms>", "real time of a settlement period; as the machine allows", runs)
  .option("--json", "print JSON", false)
  .action((options: Omit<MonthBenchOptions, "periodMs"> & { periodMs?: number }) =>
    benchMonth({ ...options, periodMs: options.periodMs ?? null }),
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
