// The arguments of hushwatt bill.
import { type Command, InvalidArgumentError, Option } from "commander";
import { monthText } from "../../wire/settlement-records.ts";
import { BILL_LANGUAGES } from "../bill-texts.ts";
import type { BillOptions } from "./run-bill.ts";

function monthArgument(text: string): string {
  if (monthText.safeParse(text).success) return text;
  throw new InvalidArgumentError("It must be a month such as 2025-06.");
}

export function addBillCommand(program: Command): void {
  program
    .command("bill")
    .description("show a household's bill of a month, checked against its own history")
    .requiredOption("--config <file>", "the meter's configuration")
    .option(
      "--month <month>",
      "as 2025-06; the last one that is closed unless given",
      monthArgument,
    )
    .addOption(
      new Option("--lang <language>", "of text and page").choices(BILL_LANGUAGES).default("en"),
    )
    .option("--json", "print one JSON object")
    .option("--html <file>", "write a page to print")
    .option("--out <file>", "write to a file: JSON if it ends in .json, else text")
    .action(async (options: BillOptions) => {
      const { runBill } = await import("./run-bill.ts");
      await runBill(options);
    });
}
