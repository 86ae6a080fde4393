// The arguments of hushwatt enrol.
import { type Command, Option } from "commander";
import { CERTIFICATE_DAYS } from "../../registrar/certificate-days.ts";
import { wholeNumber } from "../setting-options.ts";
import type { CodeOptions, EnrolOptions } from "./run-enrol.ts";

const MOST_DAYS = 3650;

const MOST_CODES = 100_000;

const CODE_DAYS = 30;

const ROLES = ["meter", "supplier", "evaluator", "dealer", "operator"] as const;

export function addEnrolCommand(program: Command): void {
  const enrol = program
    .command("enrol")
    .description("as the registrar: issue a certificate, or codes with which meters get theirs");
  for (const role of ROLES) {
    const command = enrol
      .command(role)
      .description(
        `issue the certificate for a request of ${role === "meter" ? "a meter" : `an ${role}`.replace("an s", "a s")}`,
      )
      .argument("[id]", role === "meter" ? "only to renew" : "as in the request")
      .requiredOption("--request <file>", "the request (hushwatt request makes one)")
      .requiredOption("--registry <folder>", "the market's folder")
      .requiredOption("--out <file>", "the certificate; the authority's goes beside it")
      .option("--renew", "although the party has a certificate, which stays valid")
      .option(
        "--valid-days <n>",
        "of the certificate",
        wholeNumber(1, MOST_DAYS),
        CERTIFICATE_DAYS,
      );
    if (role === "meter") command.requiredOption("--supplier <name>", "whose customer it is");
    command.action(async (id: string | undefined, options: EnrolOptions) => {
      const { enrolParty } = await import("./run-enrol.ts");
      await enrolParty(role, id, options);
    });
  }
  enrol
    .command("code")
    .description("make one-time codes, each for one new meter, or for one browser of a supplier")
    .requiredOption("--supplier <name>", "whose customers the meters are, or whose browser it is")
    .addOption(
      new Option("--role <role>", "whom they enrol")
        .choices(["meter", "supplier"])
        .default("meter"),
    )
    .requiredOption("--registry <folder>", "the market's folder")
    .option("--count <n>", "how many", wholeNumber(1, MOST_CODES), 1)
    .option("--valid-days <n>", "until they expire", wholeNumber(1, MOST_DAYS), CODE_DAYS)
    .option("--out <file>", "write them to a file, one a line")
    .action(async (options: CodeOptions) => {
      const { makeCodes } = await import("./run-enrol.ts");
      await makeCodes(options);
    });
}
