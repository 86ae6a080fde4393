// MARKET.json on the command line: a market's parameters, and in its section `settlement` tariffs and dates of bills.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import {
  type MarketDefaults,
  MarketFileError,
  type MarketParameters,
  parseMarketParameters,
} from "../market/parameters.ts";
import { type SettlementRules, settlementRules, settlementRulesSchema } from "../market/tariffs.ts";
import { InputError } from "./terminal.ts";

export interface MarketFile {
  /** What parameters.ts reads; not checked yet. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What tariffs.ts reads, or undefined; not checked yet. */
  readonly settlement: unknown;
}

/** Reads a file of one JSON object. Throws InputError. */
export async function readMarketFile(file: string): Promise<MarketFile> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    const reasons = new Map([
      ["ENOENT", "there is no such file"],
      ["EISDIR", "it is a folder"],
    ]);
    const reason = reasons.get(error.code ?? "") ?? error.code;
    throw new InputError([`cannot read the market file ${file}: ${reason}`]);
  });
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, " ") : "unreadable";
    throw new InputError([`${file}: not valid JSON: ${reason}`]);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const found = JSON.stringify(value).slice(0, 60);
    throw new InputError([`${file}: found ${found}; expected one JSON object { ... }`]);
  }
  const { settlement, ...parameters } = value as Record<string, unknown>;
  return { parameters, settlement };
}

/** The parameters of a market file. Throws InputError that names every problem. */
export function parametersOf(
  { parameters }: MarketFile,
  file: string,
  defaults: MarketDefaults = {},
): MarketParameters {
  try {
    return parseMarketParameters(JSON.stringify(parameters), defaults);
  } catch (error) {
    if (!(error instanceof MarketFileError)) throw error;
    throw new InputError(error.problems.map((problem) => `${file}: ${problem}`));
  }
}

/** The rules of settlement of a market file. Throws InputError that says what is missing or wrong. */
export function rulesOf(
  { settlement }: MarketFile,
  file: string,
  { suppliers, ...parameters }: MarketParameters,
  periodS: number,
): SettlementRules {
  if (settlement === undefined) {
    throw new InputError([`${file}: it has no section "settlement" with the suppliers' tariffs`]);
  }
  if (suppliers === null) {
    throw new InputError([`${file}: a market with settlement names its suppliers`]);
  }
  const section = settlementRulesSchema.safeParse(settlement);
  if (!section.success) {
    throw new InputError(
      z
        .prettifyError(section.error)
        .split("\n")
        .map((line) => `${file}: settlement: ${line}`),
    );
  }
  const rules = settlementRules(section.data, suppliers, parameters, periodS);
  if (typeof rules === "string") throw new InputError([`${file}: settlement.${rules}`]);
  return rules;
}
