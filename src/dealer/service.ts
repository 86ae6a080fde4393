// The dealer of a running market: serves meters and suppliers over HTTPS (http.ts) and evaluators on links
// (evaluator-links.ts). It keeps nothing but its secret, and may be killed at any moment.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type Listener, listen } from "../channel/tls.ts";
import { type Identity, partyOf } from "../crypto/certificates.ts";
import { readIdentity } from "../crypto/identity-files.ts";
import { readMaskKey } from "../crypto/mask-key-file.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { partyName, sameParty } from "../crypto/party.ts";
import { PartyVerifier } from "../crypto/party-verifier.ts";
import { Field } from "../field/field.ts";
import { type MarketDocument, parseMarketDocument } from "../market/market-document.ts";
import { orderLayout } from "../market/order-layout.ts";
import { readingLayout } from "../market/reading.ts";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { marketClock } from "../platform/market-clock.ts";
import { KEPT_REVOCATIONS_FILE, keptRevocations } from "../service/kept-revocations.ts";
import { jsonLog } from "../service/log.ts";
import { followRevocations } from "../service/revocation-list.ts";
import { serveEvaluator } from "./evaluator-links.ts";
import { dealerHttp } from "./http.ts";
import { MarketAttempts } from "./market-attempts.ts";
import { MaskKeys } from "./mask-keys.ts";
import { type DealerConfig, readDealerConfig } from "./service-config.ts";

export interface RunningDealer {
  /** Where it listens for meters and suppliers. */
  readonly httpPort: number;
  /** Takes no more requests; resolves when all is closed. */
  stop(): Promise<void>;
}

/** A dealer cannot be started as it is configured; says why. */
export class DealerError extends Error {
  override readonly name = "DealerError";
}

const OWN = { role: "dealer", id: "0" } as const;

/** Starts the dealer of a configuration file. Rejects with an error for people to read. */
export async function startDealer(file: string): Promise<RunningDealer> {
  const config = await readDealerConfig(file);
  const market = await readMarket(config);
  const identity = await readIdentity(config.identity);
  checkIdentity(config, market, identity);
  const keys = new MaskKeys(await readMaskKey(config.masks), market.id);
  const log = jsonLog({ dealer: 0 }, config.log_level);
  const verifier = new PartyVerifier(identity.authorityPem);
  const stopping = new AbortController();
  const revocations = followRevocations({
    source: config.revocations,
    kept: keptRevocations(join(config.identity, KEPT_REVOCATIONS_FILE), identity.authorityPem),
    authorityPem: identity.authorityPem,
    verifier,
    clock: systemClock,
    log,
  });
  await revocations.start();
  const time = marketClock(systemClock, market.rehearsal);
  const common = { market, marketClock: time, clock: systemClock, keys };
  const http = await dealerHttp({ ...common, identity, verifier, log });
  const links = await listenForEvaluators(config, common, identity, log);
  const httpPort = await http.listen(config.http).catch(async (error: unknown) => {
    links.close();
    throw error;
  });
  revocations.follow(stopping.signal);
  log.info({ http: httpPort, links: links.port }, "listening");
  return {
    httpPort,
    async stop() {
      stopping.abort();
      links.close();
      await http.close();
    },
  };
}

interface Common {
  readonly market: MarketDocument;
  readonly marketClock: ReturnType<typeof marketClock>;
  readonly clock: typeof systemClock;
  readonly keys: MaskKeys;
}

interface EvaluatorListener extends Pick<Listener, "port"> {
  close(): void;
}

async function listenForEvaluators(
  { links: address }: DealerConfig,
  common: Common,
  identity: Identity,
  log: Logger,
): Promise<EvaluatorListener> {
  const { parameters, suppliers } = common.market;
  const { bits } = orderLayout(parameters.grid.bits, parameters.energyBits, suppliers.length);
  const tools = { field: new Field(), primitives: nodePrimitives };
  const attempts = new MarketAttempts({
    ...common,
    ...tools,
    widths: { order: bits, reading: readingLayout(parameters.energyBits).bits },
    onAttempt: (what, attempt) => log.info(attempt, what),
  });
  const open = new Set<{ close(): void }>();
  const onRefused = (peer: string, reason: string, expected: boolean) =>
    log[expected ? "warn" : "error"]({ peer }, `refused: ${reason}`);
  const listener = await listen(identity, {
    ...address,
    // A request comes when something is needed: there may be minutes between two.
    silenceMs: LIMITS.answerMs,
    onPeer: (link, party) => {
      if (party.role !== "evaluator") {
        onRefused(partyName(party), "links are for evaluators", true);
        link.close();
        return;
      }
      open.add(link);
      void serveEvaluator({ attempts, onRefused }, link, Number(party.id)).finally(() =>
        open.delete(link),
      );
    },
    onRefused: (reason, from) => log.warn({ from }, `refused: ${reason}`),
  });
  return {
    port: listener.port,
    close() {
      listener.close();
      for (const link of open) link.close();
    },
  };
}

async function readMarket(config: DealerConfig): Promise<MarketDocument> {
  const text = await readFile(config.market, "utf8").catch(() => {
    throw new DealerError(`cannot read the market document ${config.market}`);
  });
  try {
    return parseMarketDocument(text);
  } catch (error) {
    throw new DealerError(`${config.market}: ${messageOf(error)}`);
  }
}

function checkIdentity(config: DealerConfig, market: MarketDocument, identity: Identity): void {
  const party = partyOf(identity.certificatePem);
  if (party === null || !sameParty(party, OWN)) {
    const found = party === null ? "nobody" : partyName(party);
    throw new DealerError(
      `${config.identity} is the identity of ${found}, expected ${partyName(OWN)}`,
    );
  }
  if (market.authorityPem.trim() !== identity.authorityPem.trim()) {
    throw new DealerError(`${config.identity} is from another market than ${config.market}`);
  }
  if (market.dealer === null) {
    const engine = market.setting.engine;
    throw new DealerError(`${config.market} has the engine ${engine}, which has no dealer`);
  }
}
