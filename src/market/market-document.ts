// The public description of a running market: its rules, who computes, when, and where everybody is. Made once by
// the registrar, the same file for every party. Evaluators compare its digest before they compute together.
import { z } from "zod";
import { MAX_PARTIES, type Setting } from "../wire/setting.ts";
import { settingSchema } from "../wire/setting-schema.ts";
import { type MarketParameters, parseMarketParameters } from "./parameters.ts";
import { type SettlementRules, settlementRules, settlementRulesSchema } from "./tariffs.ts";

const url = z.url({ protocol: /^https$/ });
/** Where browsers reach a service: with encryption, unless it is on the browser's own machine. */
const webUrl = z.url({ protocol: /^https?$/ }).refine(
  (text) => {
    const { protocol, hostname } = new URL(text);
    return protocol === "https:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  },
  { error: "an address for browsers begins with https://, or with http:// on 127.0.0.1 only" },
);
const address = z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65535) });
const dealerSchema = z.strictObject({ name: z.string(), url, links: address });
const utc = z.iso.datetime();

const scheduleSchema = z.strictObject({
  /** Length of a settlement period, in seconds. */
  period_s: z.int().min(1).max(3600),
  /** The start of the first period that is traded. */
  first_period: utc,
  /** How many periods before its begin the gate of a period closes. */
  gate_closure_periods: z.int().min(2).max(96).default(2),
  /** How many periods after that it must be decided; fewer, so that suppliers can act on it. */
  clearing_periods: z.int().min(1).max(95).default(1),
  /** How many periods before its gate closes a period can be ordered for. */
  open_periods: z.int().min(1).max(2000).default(192),
});

/** A rehearsal's clock: at `real` it shows `market`, and it runs `speed` times as fast. */
const rehearsalSchema = z.strictObject({ real: utc, market: utc, speed: z.number().min(1) });

const documentSchema = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/),
  /** The fields of MARKET.json (parameters.ts). */
  parameters: z.record(z.string(), z.unknown()),
  /** Without `priorityOrder`, which is one of the parameters. */
  setting: z.preprocess((value) => ({ priorityOrder: "public", ...Object(value) }), settingSchema),
  schedule: scheduleSchema,
  /** Tariffs and dates of bills; null for a market that only clears. */
  settlement: settlementRulesSchema.nullable().default(null),
  rehearsal: rehearsalSchema.nullable().default(null),
  /** By number: where meters and suppliers reach an evaluator, and where other evaluators do. */
  evaluators: z
    .array(
      z.strictObject({
        name: z.string(),
        url,
        /** Where browsers reach it, if they can. */
        web: webUrl.optional(),
        peers: z.array(address).min(1).max(16),
      }),
    )
    .min(2)
    .max(MAX_PARTIES),
  /** Where meters and suppliers reach the dealer, and where evaluators do; null without one. */
  dealer: dealerSchema.nullable().default(null),
  registrar: z.strictObject({ url, web: webUrl.optional() }).nullable().default(null),
  /** The certificate of the authority that certifies every party, in PEM. */
  authority: z.string(),
});

export type Schedule = z.infer<typeof scheduleSchema>;
export type Rehearsal = z.infer<typeof rehearsalSchema>;

export interface MarketDocument {
  readonly id: string;
  readonly parameters: MarketParameters;
  readonly suppliers: readonly string[];
  readonly setting: Setting;
  readonly schedule: Schedule;
  /** Start of the first period, in seconds since 1970 UTC. */
  readonly firstPeriod: number;
  readonly settlement: SettlementRules | null;
  readonly rehearsal: Rehearsal | null;
  readonly evaluators: z.infer<typeof documentSchema>["evaluators"];
  readonly dealer: z.infer<typeof dealerSchema> | null;
  readonly registrar: z.infer<typeof documentSchema>["registrar"];
  readonly authorityPem: string;
  /** What the file says, to be compared: everything that is not a default of this program. */
  readonly text: string;
}

/** The text is no market document; says what is wrong. */
export class MarketDocumentError extends Error {
  override readonly name = "MarketDocumentError";
}

/** Reads a market document. Throws MarketDocumentError or, for its parameters, MarketFileError. */
export function parseMarketDocument(text: string): MarketDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MarketDocumentError("it is not JSON");
  }
  const result = documentSchema.safeParse(value);
  if (!result.success) throw new MarketDocumentError(z.prettifyError(result.error));
  const { id, schedule, setting, ...rest } = result.data;
  const parameters = parseMarketParameters(JSON.stringify(rest.parameters));
  if (parameters.suppliers === null) {
    throw new MarketDocumentError("parameters.suppliers: a running market names its suppliers");
  }
  if (setting.parties !== rest.evaluators.length) {
    const found = `setting.parties is ${setting.parties}, and evaluators has ${rest.evaluators.length}`;
    throw new MarketDocumentError(`${found}: they must agree`);
  }
  if (schedule.clearing_periods >= schedule.gate_closure_periods) {
    const most = schedule.gate_closure_periods - 1;
    const message = `schedule.clearing_periods: found ${schedule.clearing_periods}; at most ${most}`;
    throw new MarketDocumentError(message);
  }
  if ((rest.dealer === null) === (setting.engine === "dealer")) {
    const found = rest.dealer === null ? "it names none" : `the engine ${setting.engine} has none`;
    throw new MarketDocumentError(`dealer: a market of the engine dealer has one; ${found}`);
  }
  const firstPeriod = Date.parse(schedule.first_period) / 1000;
  if (firstPeriod % schedule.period_s !== 0) {
    const message = "schedule.first_period must be a multiple of period_s since 1970 UTC";
    throw new MarketDocumentError(message);
  }
  return {
    id,
    parameters,
    suppliers: parameters.suppliers,
    setting: { ...setting, priorityOrder: parameters.priorityOrder },
    schedule,
    firstPeriod,
    settlement: rest.settlement === null ? null : rulesOf(rest.settlement, parameters, schedule),
    rehearsal: rest.rehearsal,
    evaluators: rest.evaluators,
    dealer: rest.dealer,
    registrar: rest.registrar,
    authorityPem: rest.authority,
    text,
  };
}

function rulesOf(
  section: z.infer<typeof settlementRulesSchema>,
  parameters: MarketParameters,
  { period_s: periodS }: Schedule,
): SettlementRules {
  const rules = settlementRules(section, parameters.suppliers ?? [], parameters, periodS);
  if (typeof rules === "string") throw new MarketDocumentError(`settlement.${rules}`);
  return rules;
}

/** When the gate of a period closes, in seconds since 1970 UTC. */
export const gateClosureOf = ({ schedule }: MarketDocument, start: number): number =>
  start - schedule.gate_closure_periods * schedule.period_s;

/** When a period must be decided: what is not cleared by then is void. */
export const deadlineOf = (market: MarketDocument, start: number): number =>
  gateClosureOf(market, start) + market.schedule.clearing_periods * market.schedule.period_s;

/** Whether orders for a period are taken at a time, both in seconds; if not, why. */
export function orderWindow(
  market: MarketDocument,
  start: number,
  now: number,
): "open" | "no-period" | "too-early" | "closed" {
  const { period_s: length, open_periods } = market.schedule;
  if (start < market.firstPeriod || start % length !== 0) return "no-period";
  const closure = gateClosureOf(market, start);
  if (now >= closure) return "closed";
  return now < closure - open_periods * length ? "too-early" : "open";
}
