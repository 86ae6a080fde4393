// The operator's server: the pages of a market, and public data for them. Orders never pass through it: pages send
// shares to the evaluators themselves, each to its own.
import type { AddressInfo } from "node:net";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { z } from "zod";
import type { MarketDocument } from "../../market/market-document.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { LIMITS } from "../../platform/limits.ts";
import {
  followWebKeyPair,
  readWebKeyPair,
  type WebListener,
  webTlsOptions,
} from "../../platform/web-listener.ts";
import { OPERATOR_API, type PublicMetrics } from "../../wire/operator-api.ts";
import { PROBLEM_MEDIA_TYPE, ProblemError, problemOf } from "../../wire/problems.ts";
import { EventStream } from "./event-stream.ts";
import { MarketWatch } from "./market-watch.ts";
import { type PageFile, type PageFiles, readPageFiles } from "./page-files.ts";
import { pageHeaders } from "./page-headers.ts";
import { builtPages } from "./pages-build.ts";
import { samplesIn } from "./prometheus-text.ts";

export interface PagesServerOptions {
  readonly market: MarketDocument;
  readonly listener: WebListener;
  readonly clock?: Clock;
  /** Told what does not stop the server. */
  readonly onProblem?: (message: string) => void;
}

export interface RunningPages {
  readonly port: number;
  stop(): Promise<void>;
}

/** Paths of the pages themselves: all are the same file, which shows what the path says. */
const PARTS = ["household", "seen", "supplier", "operator"];
const PAGE_PATHS = ["/", ...PARTS.flatMap((part) => [`/${part}`, `/${part}/:page`])];
/** How old measurements may be that are given to pages: evaluators are not asked more often, whoever asks. */
const METRICS_AGE_MS = 5_000;

const seconds = z
  .string()
  .regex(/^\d{1,12}$/, { error: "seconds since 1970 UTC" })
  .transform(Number);
const statusQuery = z.strictObject({ from: seconds.optional(), to: seconds.optional() });

/** Builds the pages if need be, and serves them. Rejects with an error for people to read. */
export async function startPages(options: PagesServerOptions): Promise<RunningPages> {
  const { market, listener, clock = systemClock, onProblem = () => {} } = options;
  const files = await readPageFiles(await builtPages(clock.utcMs()));
  const keyPair = await readWebKeyPair(listener);
  const stopping = new AbortController();
  const { signal } = stopping;
  const watch = new MarketWatch({ market, clock });
  const stream = new EventStream();
  const app = createApp(keyPair === null ? {} : { https: webTlsOptions(keyPair) });
  const headers = pageHeaders(market);
  app.addHook("onRequest", async (_, reply) => {
    reply.headers(headers);
  });
  answerProblems(app, onProblem);
  addApi(app, market, watch, clock);
  app.get(OPERATOR_API.events, (_, reply) => {
    if (!stream.add(reply.raw, headers)) throw new ProblemError("busy", "too many pages listen");
    reply.hijack();
  });
  addPages(app, files);
  await app.listen({ host: listener.host, port: listener.port });
  const work = [
    watch.run(signal),
    stream.run(watch, clock, signal),
    followWebKeyPair(listener, app.server, { clock, signal, onProblem }),
  ];
  return {
    port: (app.server.address() as AddressInfo).port,
    async stop() {
      stopping.abort();
      await app.close();
      await Promise.all(work);
    },
  };
}

function createApp(server: object): FastifyInstance {
  return fastify({
    ...server,
    logger: false,
    bodyLimit: 1,
    requestTimeout: LIMITS.requestArrivalMs,
    keepAliveTimeout: LIMITS.keepAliveMs,
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
}

function answerProblems(app: FastifyInstance, onProblem: (message: string) => void): void {
  const send = (reply: FastifyReply, { code, message }: ProblemError) => {
    const problem = problemOf(code, message);
    return reply
      .code(problem.status)
      .type(PROBLEM_MEDIA_TYPE)
      .send(Buffer.from(JSON.stringify(problem)));
  };
  app.setNotFoundHandler((_, reply) =>
    send(reply, new ProblemError("not-found", "there is nothing at this path")),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    if (error instanceof ProblemError) return send(reply, error);
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return send(reply, new ProblemError("malformed-request", "this cannot be asked here"));
    }
    onProblem(`a request failed: ${error.message}`);
    return send(reply, new ProblemError("internal", "try again later"));
  });
}

function addApi(
  app: FastifyInstance,
  market: MarketDocument,
  watch: MarketWatch,
  clock: Clock,
): void {
  const fresh = (reply: FastifyReply) => reply.header("cache-control", "no-store");
  app.get(OPERATOR_API.market, async (_, reply) =>
    fresh(reply).type("application/json").send(market.text),
  );
  app.get(OPERATOR_API.status, async (request, reply) => {
    const query = statusQuery.safeParse(request.query);
    if (!query.success) throw new ProblemError("malformed-request", z.prettifyError(query.error));
    const { from = 0, to = Number.MAX_SAFE_INTEGER } = query.data;
    return fresh(reply).send(watch.status(from, to));
  });
  app.get("/health", async (_, reply) => fresh(reply).send({ status: "ok" }));
  let known: { readonly atMs: number; readonly found: Promise<PublicMetrics> } | null = null;
  app.get(OPERATOR_API.metrics, async (_, reply) => {
    const nowMs = clock.nowMs();
    if (known === null || nowMs - known.atMs > METRICS_AGE_MS) {
      known = { atMs: nowMs, found: metricsOf(watch) };
    }
    return fresh(reply).send(await known.found);
  });
}

async function metricsOf({ access }: MarketWatch): Promise<PublicMetrics> {
  const evaluators = access.apis.map(async (api) => {
    const text = await api.metrics().catch(() => null);
    return { evaluator: api.evaluator, samples: text === null ? null : samplesIn(text) };
  });
  return { evaluators: await Promise.all(evaluators) };
}

function addPages(app: FastifyInstance, files: PageFiles): void {
  for (const [path, file] of files)
    app.get(path, (request, reply) => sendFile(request, reply, file));
  const page = files.get("/index.html");
  if (page === undefined) throw new Error("the built pages have no index.html");
  for (const path of PAGE_PATHS) app.get(path, (request, reply) => sendFile(request, reply, page));
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  const accepted = (request.headers["accept-encoding"] ?? "").split(/\s*,\s*/);
  const best = file.encoded.find(({ coding }) => accepted.includes(coding));
  reply.headers({
    "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    vary: "accept-encoding",
    etag: file.etag,
  });
  if (request.headers["if-none-match"] === file.etag) return reply.code(304).send();
  if (best !== undefined) reply.header("content-encoding", best.coding);
  return reply.type(file.type).send(best?.bytes ?? file.plain);
}
