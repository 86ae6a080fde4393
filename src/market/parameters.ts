// A market's parameters and the file that sets them, MARKET.json. Every field of the file is
// optional; a field the market does not know is refused, so that a misspelt one cannot be
// overlooked.

import { z } from "zod";
import { assert } from "../platform/assert.ts";
import { PRIORITY_ORDERS, type Setting } from "../wire/setting.ts";
import { decimalTextOf, parseDecimal } from "./decimal.ts";
import { gridProblem, MAX_PRICE_BITS, MIN_PRICE_BITS, PriceGrid } from "./price-grid.ts";

export const PRICE_RULES = ["midpoint", "upper", "lower"] as const;
export type PriceRule = (typeof PRICE_RULES)[number];

export const RATIONINGS = ["pro-rata", "priority"] as const;
export type Rationing = (typeof RATIONINGS)[number];

export const MAX_SUPPLIERS = 16;
/** Longest name of a market, a supplier or a meter, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 64;

const MIN_ENERGY_BITS = 8;
const MAX_ENERGY_BITS = 24;
const DEFAULT_MINIMUM_GROUP = 15;

export interface MarketParameters {
  readonly name: string;
  readonly grid: PriceGrid;
  /** An order's energy is below 2^energyBits Wh. */
  readonly energyBits: number;
  /** Which price of the interval that clears the market is taken. */
  readonly priceRule: PriceRule;
  /** How orders exactly at the margin share what is left. */
  readonly rationing: Rationing;
  /** Whether everybody, or nobody, may know in which order remainders are handed out. */
  readonly priorityOrder: Setting["priorityOrder"];
  /** Null when the file names none: then the order file does. */
  readonly suppliers: readonly string[] | null;
  /** A supplier's sums are published only if it has at least this many customers. */
  readonly minimumGroup: number;
}

export interface MarketDefaults {
  readonly defaultMinimumGroup?: number;
}

/**
 * The text is no market file; `problems` has one line each: where, what was found, what would be
 * right.
 */
export class MarketFileError extends Error {
  override readonly name = "MarketFileError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** What is wrong with the name of a market, supplier or meter, or null. */
export function nameProblem(name: string): string | null {
  if (name === "") return "is empty";
  if (name.length > MAX_NAME_LENGTH) return `has more than ${MAX_NAME_LENGTH} characters`;
  // Names are printed to terminals, where control characters would act.
  if (/\p{Cc}/u.test(name)) return "contains a line break or another control character";
  return null;
}

const NAME = `a name of 1 to ${MAX_NAME_LENGTH} characters without line breaks`;
const PRICE = "a decimal number, as 0.05 or as text";

function wholeNumber(least: number, most: number, unset: number) {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  const error = `a whole number ${range}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).default(unset);
}

/** Prices stay text from here on: no arithmetic on doubles. */
const priceText = z
  .union([z.number().transform(decimalTextOf), z.string()], { error: PRICE })
  .refine((text) => parseDecimal(text) !== null, { error: PRICE });

const name = z
  .string({ error: NAME })
  .refine((text) => nameProblem(text) === null, { error: NAME });

const SUPPLIERS = `a list of 1 to ${MAX_SUPPLIERS} names`;
const suppliers = z
  .array(name, { error: SUPPLIERS })
  .min(1, { error: SUPPLIERS })
  .max(MAX_SUPPLIERS, { error: SUPPLIERS })
  .refine((names) => new Set(names).size === names.length, { error: "names that all differ" });

const oneOf = (words: readonly string[]) => `one of ${words.map((word) => `"${word}"`).join(", ")}`;

const priceShape = {
  min_ct_per_kwh: priceText.default("0"),
  tick_ct_per_kwh: priceText.default("0.01"),
  bits: wholeNumber(MIN_PRICE_BITS, MAX_PRICE_BITS, 12),
};

function marketShape(defaultMinimumGroup: number) {
  const priceObject = `an object with the fields ${Object.keys(priceShape).join(", ")}`;
  return {
    name: name.default("local market"),
    price: z.strictObject(priceShape, { error: priceObject }).prefault({}),
    energy_bits: wholeNumber(MIN_ENERGY_BITS, MAX_ENERGY_BITS, 16),
    price_rule: z.enum(PRICE_RULES, { error: oneOf(PRICE_RULES) }).default("midpoint"),
    rationing: z.enum(RATIONINGS, { error: oneOf(RATIONINGS) }).default("pro-rata"),
    priority_order: z.enum(PRIORITY_ORDERS, { error: oneOf(PRIORITY_ORDERS) }).default("public"),
    suppliers: suppliers.optional(),
    minimum_group: wholeNumber(1, Number.MAX_SAFE_INTEGER, defaultMinimumGroup),
  };
}

/**
 * Reads the text of a market file. Throws MarketFileError naming every problem found.
 * `defaultMinimumGroup` (default 15) holds when the file does not set minimum_group.
 */
export function parseMarketParameters(
  text: string,
  options: MarketDefaults = {},
): MarketParameters {
  const defaultMinimumGroup = options.defaultMinimumGroup ?? DEFAULT_MINIMUM_GROUP;
  assert(Number.isSafeInteger(defaultMinimumGroup) && defaultMinimumGroup >= 1, "minimum group");
  const file = parseJsonObject(text);
  const shape = marketShape(defaultMinimumGroup);
  const parsed = z.strictObject(shape).safeParse(file);
  if (!parsed.success) {
    const fields = { "": Object.keys(shape), price: Object.keys(priceShape) };
    throw new MarketFileError(parsed.error.issues.flatMap((issue) => linesOf(issue, file, fields)));
  }
  const { price, ...rest } = parsed.data;
  const { min_ct_per_kwh: min, tick_ct_per_kwh: tick, bits } = price;
  const problem = gridProblem(min, tick, bits);
  if (problem !== null) {
    const field = { min: "min_ct_per_kwh", tick: "tick_ct_per_kwh", bits: "bits" }[problem.field];
    const found = { min, tick, bits }[problem.field];
    throw new MarketFileError([`price.${field}: found ${found}; ${problem.message}`]);
  }
  return {
    name: rest.name,
    grid: new PriceGrid(min, tick, bits),
    energyBits: rest.energy_bits,
    priceRule: rest.price_rule,
    rationing: rest.rationing,
    priorityOrder: rest.priority_order,
    suppliers: rest.suppliers ?? null,
    minimumGroup: rest.minimum_group,
  };
}

/** The parameters of a market without a file. */
export function defaultMarketParameters(options: MarketDefaults = {}): MarketParameters {
  return parseMarketParameters("{}", options);
}

function parseJsonObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, " ") : "unreadable";
    throw new MarketFileError([`not valid JSON: ${reason}`]);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new MarketFileError([`found ${shown(value)}; expected one JSON object { ... }`]);
}

function linesOf(
  issue: z.core.$ZodIssue,
  file: object,
  fields: Readonly<Record<string, readonly string[]>>,
): string[] {
  const path = issue.path.reduce<string>((before, part) => {
    if (typeof part === "number") return `${before}[${part}]`;
    return before === "" ? String(part) : `${before}.${String(part)}`;
  }, "");
  if (issue.code === "unrecognized_keys") {
    const known = `the fields here are ${(fields[path] ?? []).join(", ")}`;
    const dot = path === "" ? "" : ".";
    return issue.keys.map((key) => `${path}${dot}${clipped(key)}: unknown field; ${known}`);
  }
  let found: unknown = file;
  for (const part of issue.path) found = Reflect.get(Object(found), part);
  return [`${path}: found ${shown(found)}; expected ${issue.message}`];
}

function shown(value: unknown): string {
  return clipped(typeof value === "number" ? String(value) : JSON.stringify(value));
}

function clipped(text: string): string {
  const printable = text.replace(/\p{Cc}/gu, "?");
  return printable.length <= 60 ? printable : `${printable.slice(0, 57)}...`;
}
