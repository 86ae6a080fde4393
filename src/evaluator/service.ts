// The evaluator as a service: takes orders over HTTPS at any time, and decides periods with the other evaluators
// whenever this process is the one of its organisation that leads.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, listen } from "../channel/tls.ts";
import { type Identity, partyOf } from "../crypto/certificates.ts";
import { readIdentity } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { partyName } from "../crypto/party.ts";
import { PartyVerifier } from "../crypto/party-verifier.ts";
import { Field } from "../field/field.ts";
import { type MarketDocument, parseMarketDocument } from "../market/market-document.ts";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { marketClock } from "../platform/market-clock.ts";
import { KEPT_REVOCATIONS_FILE, keptRevocations } from "../service/kept-revocations.ts";
import { jsonLog } from "../service/log.ts";
import { followRevocations } from "../service/revocation-list.ts";
import type { EvaluatorStore, Lease } from "../storage/evaluator-store.ts";
import { openStore } from "../storage/open-store.ts";
import { toHex } from "../wire/hex.ts";
import { createHttpService, type HttpService } from "./http/service.ts";
import { leadWhenElected } from "./leadership.ts";
import { Callers } from "./mesh.ts";
import { EvaluatorMetrics } from "./metrics.ts";
import type { PeriodContext } from "./periods/context.ts";
import { decisionSigner } from "./periods/decision-signer.ts";
import { PeriodEngine } from "./periods/period-engine.ts";
import { readServiceConfig, type ServiceConfig } from "./service-config.ts";

export interface RunningService {
  /** Where it listens for meters, suppliers and operators. */
  readonly httpPort: number;
  /** Where it listens for browsers; null where it does not. */
  readonly webPort: number | null;
  /** Ends it: no more orders, the lease given back. Resolves when all is closed. */
  stop(): Promise<void>;
  /** Rejects if it cannot go on. */
  readonly failed: Promise<never>;
}

/** The dealer waits for all evaluators before it answers: longer than it does. */
const DEALER_SILENCE_MS = 15_000;

/** A service cannot be started as it is configured; says why. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
}

/** Starts the evaluator of a configuration file. Rejects with an error for people to read. */
export async function startService(file: string): Promise<RunningService> {
  const config = await readServiceConfig(file);
  const market = await readMarket(config);
  const identity = await readIdentity(config.identity);
  checkIdentity(config, market, identity);
  const log = jsonLog({ evaluator: config.index }, config.log_level);
  const store = await openStore(config.database);
  const stopping = new AbortController();
  try {
    const verifier = new PartyVerifier(identity.authorityPem);
    const revocations = followRevocations({
      source: config.revocations,
      kept: keptRevocations(join(config.identity, KEPT_REVOCATIONS_FILE), identity.authorityPem),
      authorityPem: identity.authorityPem,
      verifier,
      clock: systemClock,
      log,
    });
    await revocations.start();
    const metrics = new EvaluatorMetrics(log);
    const time = marketClock(systemClock, market.rehearsal);
    const http = await createHttpService({
      market,
      marketClock: time,
      clock: systemClock,
      index: config.index,
      identity,
      store,
      verifier,
      log,
      metrics,
      ...(config.web === undefined ? {} : { web: config.web }),
    });
    const ports = { httpPort: await http.listen(config.http), webPort: await http.listenWeb() };
    const lead = async (lease: Lease, signal: AbortSignal) => {
      const context = periodContext(config, market, identity, store, verifier, metrics);
      await leadPeriods(config, identity, context, lease, signal);
    };
    const holder = toHex(nodePrimitives.randomBytes(16));
    const leading = leadWhenElected(
      {
        store,
        clock: systemClock,
        events: metrics.leadership,
        leaseMs: config.lease_ms,
      },
      `market ${market.id} evaluator ${config.index}`,
      holder,
      lead,
      stopping.signal,
    );
    revocations.follow(stopping.signal);
    return running(http, ports, store, leading, stopping);
  } catch (error) {
    stopping.abort();
    await store.close();
    throw error;
  }
}

function running(
  http: HttpService,
  ports: Pick<RunningService, "httpPort" | "webPort">,
  store: EvaluatorStore,
  leading: Promise<void>,
  stopping: AbortController,
): RunningService {
  return {
    ...ports,
    failed: leading.then(() => new Promise<never>(() => {})),
    async stop() {
      await http.close();
      stopping.abort();
      await leading.catch(() => {});
      await store.close();
    },
  };
}

/** Listens for the other evaluators and decides periods, until the term ends. */
async function leadPeriods(
  config: ServiceConfig,
  identity: Identity,
  context: Omit<PeriodContext, "mesh">,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const callers = new Callers(systemClock);
  const linkOptions = { silenceMs: config.silence_ms };
  const listener = await listen(identity, {
    ...config.peers,
    ...linkOptions,
    onPeer: (link, party) => {
      if (party.role === "evaluator") callers.arrived(Number(party.id), link);
      else link.close();
    },
  });
  try {
    const { clock } = context;
    const mesh = { identity, party: config.index, callers, clock, linkOptions };
    await new PeriodEngine({ ...context, mesh }, lease, signal).run();
  } finally {
    listener.close();
  }
}

function periodContext(
  config: ServiceConfig,
  market: MarketDocument,
  identity: Identity,
  store: EvaluatorStore,
  verifier: PartyVerifier,
  metrics: EvaluatorMetrics,
): Omit<PeriodContext, "mesh"> {
  return {
    market,
    store,
    clock: systemClock,
    marketClock: marketClock(systemClock, market.rehearsal),
    signer: decisionSigner(identity, verifier),
    tools: {
      field: new Field(),
      primitives: nodePrimitives,
      reachDealer: (address) =>
        connect(identity, {
          ...address,
          expect: { role: "dealer", id: "0" },
          // The period is tried again, with whoever is there then.
          deadlineMs: config.rejoin_ms,
          silenceMs: DEALER_SILENCE_MS,
        }),
    },
    leastPrepared: LIMITS.leastPrepared,
    rejoinMs: config.rejoin_ms,
    events: { ...metrics.periods, ...metrics.settlements },
  };
}

async function readMarket(config: ServiceConfig): Promise<MarketDocument> {
  let text: string;
  try {
    text = await readFile(config.market, "utf8");
  } catch {
    throw new ServiceError(`cannot read the market document ${config.market}`);
  }
  try {
    return parseMarketDocument(text);
  } catch (error) {
    throw new ServiceError(`${config.market}: ${messageOf(error)}`);
  }
}

function checkIdentity(config: ServiceConfig, market: MarketDocument, identity: Identity): void {
  const party = partyOf(identity.certificatePem);
  const expected = { role: "evaluator", id: String(config.index) } as const;
  if (party === null || party.role !== expected.role || party.id !== expected.id) {
    const found = party === null ? "nobody" : partyName(party);
    throw new ServiceError(
      `${config.identity} is the identity of ${found}, expected ${partyName(expected)}`,
    );
  }
  if (market.evaluators[config.index] === undefined) {
    throw new ServiceError(`${config.market} names no evaluator ${config.index}`);
  }
  if (market.authorityPem.trim() !== identity.authorityPem.trim()) {
    throw new ServiceError(`${config.identity} is from another market than ${config.market}`);
  }
}
