// Makes the folder of a new market: its document, its authority and registry, the list of revoked certificates, and a
// configuration for each evaluator, and for the dealer. Nobody's private key is made here but the registrar's own.
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { createKeyAndRequest, generateAuthorityKey } from "../crypto/certificates.ts";
import {
  installCertificate,
  writeAuthority,
  writeKeyAndRequest,
} from "../crypto/identity-files.ts";
import { MASK_KEY_FILE } from "../crypto/mask-key-file.ts";
import { parseMarketDocument, type Rehearsal } from "../market/market-document.ts";
import { writeDurably } from "../platform/durable-file.ts";
import { REVOCATIONS_PATH } from "../wire/enrolment.ts";
import type { Setting } from "../wire/setting.ts";
import { marketPaths } from "./market-paths.ts";
import { Registrar } from "./registrar.ts";
import { RegistrarError } from "./registrar-error.ts";
import { Registry } from "./registry.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface NewEvaluator {
  readonly name: string;
  /** Where it serves meters, suppliers and operators over HTTPS. */
  readonly http: Address;
  /** Where it listens for other evaluators: its processes, one or more. */
  readonly peers: Address;
  /** Where it serves browsers; they do not reach it unless given. */
  readonly web?: NewWebAddress;
}

export interface NewWebAddress {
  /** As browsers know it: https://..., or http://... on a loopback address. */
  readonly url: string;
  /** Where it listens, if not at the host and port of `url`. */
  readonly listen?: Address;
}

export interface NewMarket {
  readonly id: string;
  /** The fields of MARKET.json; must name suppliers. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly setting: Setting;
  readonly schedule: {
    readonly period_s: number;
    /** ISO 8601, UTC. */
    readonly first_period: string;
    readonly gate_closure_periods?: number;
    readonly clearing_periods?: number;
    readonly open_periods?: number;
  };
  /** Tariffs and dates of bills (market/tariffs.ts); without it the market only clears. */
  readonly settlement?: unknown;
  readonly rehearsal?: Rehearsal | null;
  readonly evaluators: readonly NewEvaluator[];
  /** The dealer, where the engine is that; its `peers` are evaluators. */
  readonly dealer?: NewEvaluator | null;
  /** Where the registrar serves enrolments; null when it does not. */
  readonly registrar: Address | null;
  /** Where it serves the same to browsers. */
  readonly registrarWeb?: NewWebAddress;
  readonly logLevel?: string;
}

const AUTHORITY_NAME_LENGTH = 40;

/**
 * Makes the market in `folder`, which must not have one. Throws RegistrarError, MarketDocumentError or
 * MarketFileError when something about it cannot be; then nothing is left behind.
 */
export async function initMarket(folder: string, market: NewMarket): Promise<void> {
  const paths = marketPaths(folder);
  if (existsSync(paths.market) || existsSync(paths.registrar)) {
    throw new RegistrarError(`${folder} has a market already: choose another folder`);
  }
  const key = await generateAuthorityKey(market.id.slice(0, AUTHORITY_NAME_LENGTH));
  const text = documentText(market, key.certificatePem);
  // Complains before anything is there.
  parseMarketDocument(text);
  const evaluators = market.evaluators.map((_, index) => paths.evaluator(index));
  const dealers = market.dealer ? [paths.dealer] : [];
  const made = [
    ...evaluators,
    ...dealers,
    paths.market,
    paths.revocations,
    paths.service,
    paths.registrar,
  ];
  const taken = made.find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new RegistrarError(`there is ${taken} already: choose another folder`);
  }
  const madeFolder = await mkdir(folder, { recursive: true });
  try {
    await writeAuthority(paths.registrar, key);
    Registry.create(paths.registry).close();
    for (const [index, evaluator] of market.evaluators.entries()) {
      const config = evaluatorConfig(index, evaluator, market);
      await writeDurably(paths.evaluator(index), jsonText(config));
    }
    if (market.dealer) {
      await writeDurably(paths.dealer, jsonText(dealerConfig(market.dealer, market)));
    }
    await writeDurably(paths.market, text);
    await prepareRegistrar(folder, market);
  } catch (error) {
    for (const path of made) await rm(path, { recursive: true, force: true });
    if (madeFolder !== undefined) await rm(madeFolder, { recursive: true, force: true });
    throw error;
  }
}

/** Signs the first list of revoked certificates; with a service, makes its own key and configuration. */
async function prepareRegistrar(folder: string, market: NewMarket): Promise<void> {
  const paths = marketPaths(folder);
  const registrar = await Registrar.open(folder);
  try {
    await registrar.signRevocations();
    if (market.registrar === null) return;
    const party = { role: "registrar", id: "0" } as const;
    const made = await createKeyAndRequest(party);
    await writeKeyAndRequest(paths.identity, made);
    await installCertificate(paths.identity, await registrar.enrol(made.requestPem, party));
    const { host, port } = market.registrar;
    const level = market.logLevel === undefined ? {} : { log_level: market.logLevel };
    const http = { host: listeningHost(host), port };
    const config = { market: ".", http, ...webConfig(market.registrarWeb), ...level };
    await writeDurably(paths.service, jsonText(config));
  } finally {
    registrar.close();
  }
}

function documentText(market: NewMarket, authority: string): string {
  // It is one of the parameters.
  const { priorityOrder: _, ...setting } = market.setting;
  return jsonText({
    version: 1,
    id: market.id,
    parameters: market.parameters,
    setting,
    schedule: market.schedule,
    settlement: market.settlement ?? null,
    rehearsal: market.rehearsal ?? null,
    evaluators: market.evaluators.map(({ name, http, peers, web }) => ({
      name,
      url: urlOf(http),
      ...webField(web),
      peers: [peers],
    })),
    ...(market.dealer ? { dealer: dealerPlace(market.dealer) } : {}),
    registrar:
      market.registrar === null
        ? null
        : { url: urlOf(market.registrar), ...webField(market.registrarWeb) },
    authority,
  });
}

const dealerPlace = ({ name, http, peers }: NewEvaluator) => ({
  name,
  url: urlOf(http),
  links: peers,
});

/** As the dealer's configuration is read; paths are relative to the file. */
const dealerConfig = ({ http, peers }: NewEvaluator, { registrar, logLevel }: NewMarket) => ({
  market: "market.json",
  identity: "dealer-0",
  masks: `dealer-0/${MASK_KEY_FILE}`,
  http: { ...http, host: listeningHost(http.host) },
  links: { ...peers, host: listeningHost(peers.host) },
  ...serviceFields(registrar, logLevel),
});

/** What the configurations of all services have. */
const serviceFields = (registrar: NewMarket["registrar"], logLevel: string | undefined) => ({
  revocations: registrar === null ? "revocations.pem" : `${urlOf(registrar)}${REVOCATIONS_PATH}`,
  ...(logLevel === undefined ? {} : { log_level: logLevel }),
});

/** As the evaluator's configuration is read; paths are relative to the file. */
function evaluatorConfig(
  index: number,
  { http, peers, web }: NewEvaluator,
  { registrar, logLevel }: NewMarket,
) {
  return {
    market: "market.json",
    index,
    identity: `evaluator-${index}`,
    http: { ...http, host: listeningHost(http.host) },
    peers: { ...peers, host: listeningHost(peers.host) },
    ...webConfig(web),
    database: `sqlite:evaluator-${index}.db`,
    ...serviceFields(registrar, logLevel),
  };
}

const webField = (web: NewWebAddress | undefined) => (web === undefined ? {} : { web: web.url });

const HTTPS_PORT = 443;
/** Names of files that whoever runs the service puts beside its configuration. */
const WEB_FILES = { certificate: "web-certificate.pem", key: "web-key.pem" };

function webConfig(web: NewWebAddress | undefined) {
  if (web === undefined) return {};
  const { protocol, hostname, port } = new URL(web.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const listen = web.listen ?? { host: listeningHost(host), port: Number(port || HTTPS_PORT) };
  return { web: { ...listen, ...(protocol === "https:" ? WEB_FILES : {}) } };
}

/** A host's name may stand for an address that the machine itself does not have. */
const listeningHost = (host: string): string =>
  isIP(host) !== 0 || host === "localhost" ? host : "0.0.0.0";

const urlOf = ({ host, port }: Address): string =>
  `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
