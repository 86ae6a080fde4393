// The registrar as a service over HTTPS: what everybody may know of the market, certificates for one-time codes, and
// the list of revoked certificates. Logs neither codes nor requests.
import { readFile } from "node:fs/promises";
import type { ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { z } from "zod";
import { CertificateError, type Identity } from "../crypto/certificates.ts";
import { readIdentity } from "../crypto/identity-files.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS, TLS_SETTINGS } from "../platform/limits.ts";
import {
  followWebKeyPair,
  readWebKeyPair,
  type WebListener,
  webTlsOptions,
} from "../platform/web-listener.ts";
import {
  ENROLMENT_PATH,
  type EnrolmentAnswer,
  enrolmentRequestSchema,
  REVOCATIONS_PATH,
} from "../wire/enrolment.ts";
import { PROBLEM_MEDIA_TYPE, type ProblemCode, ProblemError, problemOf } from "../wire/problems.ts";
import { FailedAttempts } from "./failed-attempts.ts";
import { type MarketPaths, marketPaths } from "./market-paths.ts";
import { Registrar } from "./registrar.ts";
import { RegistrarError } from "./registrar-error.ts";
import type { RegistrarConfig } from "./service-config.ts";

export interface RunningRegistrar {
  readonly port: number;
  /** Where it listens for browsers; null where it does not. */
  readonly webPort: number | null;
  /** Takes no more requests; resolves when all is closed. */
  stop(): Promise<void>;
}

const STANDARD_ERROR = 2;
const PEM_MEDIA_TYPE = "application/x-pem-file";

/** Starts the service of a market's registrar. Rejects with an error for people to read. */
export async function startRegistrar(
  config: RegistrarConfig,
  clock: Clock = systemClock,
): Promise<RunningRegistrar> {
  const registrar = await Registrar.open(config.market, clock);
  const stopping = new AbortController();
  try {
    if (registrar.market.registrar === null) {
      throw new RegistrarError(
        `the market in ${config.market} has no registrar's address: only hushwatt enrol issues its certificates`,
      );
    }
    const paths = marketPaths(config.market);
    const log = serviceLog(config.log_level);
    const attempts = new FailedAttempts(clock);
    const addAll = (server: FastifyInstance) => {
      answerProblems(server, log);
      addRoutes(server, registrar, attempts, log);
      addFiles(server, paths);
      return server;
    };
    const server = addAll(createServer({ https: tlsOptions(await readIdentity(paths.identity)) }));
    const web = config.web === undefined ? null : addAll(await browserServer(config.web));
    await registrar.signRevocations();
    const signing = keepSigning(registrar, clock, stopping.signal, log);
    await server.listen(config.http);
    if (web !== null && config.web !== undefined) {
      await web.listen({ host: config.web.host, port: config.web.port });
      const onProblem = (message: string) => log.warn(`the certificate for browsers: ${message}`);
      const follow = { clock, signal: stopping.signal, onProblem };
      void followWebKeyPair(config.web, web.server, follow);
    }
    const [port, webPort] = [portOf(server), web === null ? null : portOf(web)];
    log.info({ port, webPort, meters: registrar.meters }, "listening");
    const stop = async () => {
      stopping.abort();
      await Promise.all([server.close(), web?.close()]);
      await signing;
      registrar.close();
    };
    return { port, webPort, stop };
  } catch (error) {
    stopping.abort();
    registrar.close();
    throw error;
  }
}

const portOf = ({ server }: FastifyInstance): number => (server.address() as AddressInfo).port;

async function browserServer(listener: WebListener): Promise<FastifyInstance> {
  const pair = await readWebKeyPair(listener);
  const bounds = { maxHeaderSize: LIMITS.headersBytes };
  return createServer(
    pair === null ? { http: bounds } : { https: { ...bounds, ...webTlsOptions(pair) } },
  );
}

const tlsOptions = (identity: Identity) => ({
  key: identity.privateKeyPem,
  cert: identity.certificatePem,
  minVersion: TLS_SETTINGS.version,
  maxVersion: TLS_SETTINGS.version,
  ciphers: TLS_SETTINGS.cipherSuites,
  handshakeTimeout: LIMITS.handshakeMs,
  maxHeaderSize: LIMITS.headersBytes,
});

function createServer(
  server: { readonly https: ServerOptions } | { readonly http: object },
): FastifyInstance {
  return Fastify({
    ...(server as { readonly https: ServerOptions }),
    logger: false,
    bodyLimit: LIMITS.enrolmentBytes,
    requestTimeout: LIMITS.requestArrivalMs,
    keepAliveTimeout: LIMITS.keepAliveMs,
    connectionTimeout: LIMITS.idleConnectionMs,
    forceCloseConnections: true,
    // The type of a server over HTTPS does not matter to those who add routes.
  }) as unknown as FastifyInstance;
}

/** What everybody may know, as the files have it now. */
function addFiles(server: FastifyInstance, paths: MarketPaths): void {
  const file = async (path: string) => readFile(path, "utf8");
  server.get("/v1/market", async (_, reply) =>
    reply.type("application/json").send(await file(paths.market)),
  );
  server.get(REVOCATIONS_PATH, async (_, reply) =>
    reply.type(PEM_MEDIA_TYPE).send(await file(paths.revocations)),
  );
}

function addRoutes(
  server: FastifyInstance,
  registrar: Registrar,
  attempts: FailedAttempts,
  log: Logger,
): void {
  // Pages of any origin may ask: a code is proof enough, and nothing here depends on cookies.
  server.addHook("onRequest", async (_, reply) => {
    reply.headers({ "access-control-allow-origin": "*", "cache-control": "no-store" });
    reply.header("access-control-expose-headers", "retry-after");
  });
  server.options(ENROLMENT_PATH, async (_, reply) =>
    reply
      .headers({
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
      })
      .code(204)
      .send(),
  );
  server.get("/health", async () => ({ status: "ok" }));
  server.post(ENROLMENT_PATH, async (request, reply): Promise<EnrolmentAnswer> => {
    const waitS = attempts.waitS(request.ip);
    if (waitS > 0) {
      reply.header("retry-after", waitS);
      throw new ProblemError("too-many-requests", `too many attempts failed: wait ${waitS} s`);
    }
    try {
      const answer = await enrol(registrar, request.body);
      log.info({ supplier: answer.supplier }, "enrolled with a code");
      return answer;
    } catch (error) {
      attempts.failed(request.ip);
      throw error;
    }
  });
}

async function enrol(registrar: Registrar, body: unknown): Promise<EnrolmentAnswer> {
  const parsed = enrolmentRequestSchema.safeParse(body);
  if (!parsed.success) {
    throw new ProblemError("malformed-request", z.prettifyError(parsed.error));
  }
  const { code, request, role } = parsed.data;
  const { party, supplier, certificatePem } = await registrar.redeem(code, request, role);
  return { id: party.id, supplier: supplier ?? Number(party.id), certificate: certificatePem };
}

/** Every refusal is answered with problem details. */
function answerProblems(server: FastifyInstance, log: Logger): void {
  const send = (reply: FastifyReply, code: ProblemCode, detail: string) => {
    const problem = problemOf(code, detail);
    // As text it would get a charset, which this type does not have.
    return reply
      .code(problem.status)
      .type(PROBLEM_MEDIA_TYPE)
      .send(Buffer.from(JSON.stringify(problem)));
  };
  server.setNotFoundHandler((request: FastifyRequest, reply) =>
    send(reply, "not-found", `there is nothing for ${request.method} at this path`),
  );
  server.setErrorHandler((error: Error & { code?: string; statusCode?: number }, _, reply) => {
    if (error instanceof ProblemError) return send(reply, error.code, error.message);
    if (error instanceof CertificateError || error instanceof RegistrarError) {
      return send(reply, "malformed-request", error.message);
    }
    if (error.statusCode === 413) {
      return send(reply, "too-large", `a body has at most ${LIMITS.enrolmentBytes} bytes`);
    }
    if (error.statusCode === 415) {
      return send(reply, "wrong-content-type", "expected application/json");
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return send(reply, "malformed-request", "expected one JSON object");
    }
    log.error({ error: messageOf(error) }, "a request failed");
    return send(reply, "internal", "try again later; the registrar's log says more");
  });
}

/** The list ends at some time: it is signed anew long before, also when nobody is revoked. */
async function keepSigning(
  registrar: Registrar,
  clock: Clock,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(LIMITS.revocationSigningMs, signal).catch(() => {});
    if (signal.aborted) return;
    await registrar.signRevocations().catch((error: unknown) => {
      log.error({ error: messageOf(error) }, "the list of revoked certificates was not signed");
    });
  }
}

const serviceLog = (level: RegistrarConfig["log_level"]): Logger =>
  pino(
    {
      level,
      base: { registrar: 0 },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ dest: STANDARD_ERROR, sync: true }),
  );
