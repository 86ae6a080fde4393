// What the options of `hushwatt init` mean: a market's evaluators, its periods, its parameters.
import { InvalidArgumentError } from "commander";
import type { Address, NewEvaluator, NewWebAddress } from "../registrar/init-market.ts";
import { type MarketFile, readMarketFile } from "./market-file.ts";
import { InputError } from "./terminal.ts";

const LOCAL_HOST = "127.0.0.1";
const LOCAL_PORT = 7400;
const LONGEST_PERIOD_S = 3600;
const DAY_S = 24 * 3600;
const LONGEST_NAME = 64;
const HIGHEST_PORT = 65_535;
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})(?::(\d{1,5}))?$/;

const noAddress = (text: string): InvalidArgumentError =>
  new InvalidArgumentError(`"${text}" is not HOST:PORT, as in evaluator.example:7400.`);

/** "host:port" or "host:port:port for evaluators"; an IPv6 address stands in brackets. */
function addressAndMore(text: string): Address & { readonly more: number | undefined } {
  const [, host, port, more] = ADDRESS.exec(text) ?? [];
  const ports = [port, more].map((digits) => (digits === undefined ? undefined : Number(digits)));
  if (
    host === undefined ||
    ports.some((one) => one !== undefined && (one < 1 || one > HIGHEST_PORT))
  ) {
    throw noAddress(text);
  }
  return { host: host.replace(/^\[|\]$/g, ""), port: ports[0]!, more: ports[1] };
}

export function addressArgument(text: string): Address {
  const { host, port, more } = addressAndMore(text);
  if (more === undefined) return { host, port };
  throw new InvalidArgumentError(`"${text}" has more than one port.`);
}

/** "NAME=..." or without a name. */
function nameAndAddress(text: string, i: number) {
  const [before, after] = [text.lastIndexOf("="), text.slice(text.lastIndexOf("=") + 1)];
  const name = before < 0 ? `evaluator ${i}` : text.slice(0, before).trim();
  if (name.length >= 1 && name.length <= LONGEST_NAME)
    return { name, ...addressAndMore(after.trim()) };
  throw new InvalidArgumentError(
    `"${text}": the name before = must have 1 to ${LONGEST_NAME} characters.`,
  );
}

/** The dealer, named or not; evaluators reach it at the next port unless one is given. */
export function dealerArgument(text: string): NewEvaluator {
  const all = evaluatorsArgument(text);
  const [dealer] = all;
  if (all.length > 1) throw new InvalidArgumentError("A market has one dealer.");
  return text.includes("=") ? dealer! : { ...dealer!, name: "dealer" };
}

/** Evaluators separated by commas, named or not; others reach each at the next port unless one is given. */
export function evaluatorsArgument(text: string): NewEvaluator[] {
  const all = text.split(",").map((one, i) => {
    const { name, host, port, more = port + 1 } = nameAndAddress(one.trim(), i);
    if (more > HIGHEST_PORT) throw noAddress(one);
    return { name, http: { host, port }, peers: { host, port: more } };
  });
  const places = all.flatMap(({ http, peers }) => [http, peers]);
  const taken = new Set(places.map(({ host, port }) => `${host} ${port}`));
  if (taken.size === places.length) return all;
  throw new InvalidArgumentError("Every port of a host can be taken only once.");
}

/** Evaluators, dealer and registrar of a market on one machine, at ports that stay the same. */
export const localEvaluators = (count: number): NewEvaluator[] =>
  Array.from({ length: count }, (_, i) => {
    const port = LOCAL_PORT + 10 * (i + 1);
    const [http, peers] = [port, port + 1].map((one) => ({ host: LOCAL_HOST, port: one }));
    return { name: `evaluator ${i}`, http: http!, peers: peers!, web: localWeb(port + 2) };
  });
export const LOCAL_DEALER: NewEvaluator = {
  name: "dealer",
  http: { host: LOCAL_HOST, port: LOCAL_PORT + 1 },
  peers: { host: LOCAL_HOST, port: LOCAL_PORT + 2 },
};
export const LOCAL_REGISTRAR: Address = { host: LOCAL_HOST, port: LOCAL_PORT };
const localWeb = (port: number): NewWebAddress => ({ url: `http://${LOCAL_HOST}:${port}` });
export const LOCAL_REGISTRAR_WEB: NewWebAddress = localWeb(LOCAL_PORT + 1);

/**
 * Where browsers reach a service. That it may be plain HTTP on this machine only is for the market's document to
 * say.
 */
export function webArgument(text: string): NewWebAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/";
  if (isOrigin && url.search === "" && url.hash === "") return { url: url.origin };
  throw new InvalidArgumentError(`"${text}" is not https://HOST or https://HOST:PORT.`);
}

export const websArgument = (text: string): NewWebAddress[] =>
  text.split(",").map((one) => webArgument(one.trim()));

/** The evaluators with their addresses for browsers, one for each. Throws InputError. */
export function withWeb(
  evaluators: readonly NewEvaluator[],
  webs: readonly NewWebAddress[] | undefined,
): NewEvaluator[] {
  if (webs === undefined) return [...evaluators];
  if (webs.length === evaluators.length) {
    return evaluators.map((evaluator, i) => ({ ...evaluator, web: webs[i]! }));
  }
  const found = `--evaluators-web has ${webs.length} addresses, and there are ${evaluators.length} evaluators`;
  throw new InputError([`${found}: give one for each`]);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, min: 60, h: 3600 };

/** The length of a period in seconds, from "900", "15min", "1h". */
export function periodLengthArgument(text: string): number {
  const [, digits, unit] = /^(\d{1,5})(s|min|h|)$/.exec(text) ?? [];
  const seconds = Number(digits) * UNITS[unit ?? ""]!;
  if (seconds >= 1 && seconds <= LONGEST_PERIOD_S) return seconds;
  throw new InvalidArgumentError("It must be 1 second to 1 hour, as in 900, 15min or 1h.");
}

const utcText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** The start of a period, in seconds since 1970 UTC. */
export function startArgument(text: string): number {
  const seconds = Date.parse(text) / 1000;
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text) && !Number.isNaN(seconds)) return seconds;
  throw new InvalidArgumentError("It must be UTC such as 2025-06-01T12:15:00Z.");
}

export function idArgument(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,47}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 48 small letters, digits and hyphens.");
}

/** The first period in the market's document. Throws InputError if none can begin at `startS`. */
export function firstPeriodAt(startS: number, periodS: number): string {
  if (startS % periodS === 0) return utcText(startS);
  const next = utcText(Math.ceil(startS / periodS) * periodS);
  const found = `--first-period: no period of ${periodS} s begins at ${utcText(startS)}`;
  throw new InputError([
    `${found}: they begin at its multiples since 1970 UTC, the next at ${next}`,
  ]);
}

/**
 * When a new market trades its first period unless told otherwise: soon on one machine, else at a midnight (UTC)
 * that leaves a day for setting up.
 */
export function firstPeriodAfter(nowMs: number, periodS: number, isLocal: boolean): string {
  const nowS = nowMs / 1000;
  // Its gate closes two periods before it begins.
  const startS = isLocal
    ? (Math.ceil(nowS / periodS) + 3) * periodS
    : Math.ceil(((Math.ceil(nowS / DAY_S) + 1) * DAY_S) / periodS) * periodS;
  return firstPeriodAt(startS, periodS);
}

/** MARKET.json, with a name and suppliers from the command line over those of the file. */
export async function newMarketFile(
  file: string | undefined,
  name: string | undefined,
  suppliers: readonly string[] | undefined,
): Promise<MarketFile> {
  const given = {
    ...(name === undefined ? {} : { name }),
    ...(suppliers === undefined ? {} : { suppliers }),
  };
  if (file === undefined) return { parameters: given, settlement: undefined };
  const { parameters, settlement } = await readMarketFile(file);
  return { parameters: { ...parameters, ...given }, settlement };
}

/** The market's id unless one is given: its name in small letters, digits and hyphens. */
export function idFromName(name: unknown): string {
  const words = String(name ?? "local market")
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .match(/[a-z0-9]+/g);
  return (words ?? ["market"]).join("-").slice(0, 40).replace(/-$/, "");
}
