// A service over HTTPS: routes on the servers of https-server.ts, one for everybody who knows the market's authority
// and,
// where it is configured, one for browsers; both with the same routes and bounds, refusals as problem details, and
// answers to everything that is no request of the list.
import { METHODS, type ServerOptions } from "node:http";
import type { ServerOptions as HttpsServerOptions } from "node:https";
import type { Duplex } from "node:stream";
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  type HTTPMethods,
} from "fastify";
import type { Logger } from "pino";
import type { Identity } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Clock } from "../platform/clock.ts";
import { followWebKeyPair, readWebKeyPair, type WebListener } from "../platform/web-listener.ts";
import { toHex } from "../wire/hex.ts";
import { ProblemError } from "../wire/problems.ts";
import { CORS_PREFLIGHT } from "./answer-headers.ts";
import type { HttpsLimits } from "./https-limits.ts";
import { browserServerOptions, guardServer, serverOptions } from "./https-server.ts";
import { answerErrors } from "./problem-answers.ts";
import { newBounds, type RequestBounds, type RequestEvents, watchRequests } from "./requests.ts";

export interface Handler {
  /** Before anything of the body is read. */
  readonly before?: (request: FastifyRequest, reply: FastifyReply) => void;
  readonly answer: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

export interface Route extends Handler {
  readonly method: "GET" | "PUT" | "POST";
  /** Parameters stand in braces. */
  readonly path: string;
}

export interface HttpsAppOptions {
  readonly identity: Identity;
  readonly limits: HttpsLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: RequestEvents;
  readonly routes: readonly Route[];
  /** Media types of bodies that are taken, and the longest body. */
  readonly mediaTypes: readonly string[];
  readonly bodyBytes: number;
  /** Resolves when nothing waits to be stored. */
  readonly drained?: () => Promise<void>;
  /** Where browsers are served, too. */
  readonly web?: WebListener;
}

type Address = { readonly host: string; readonly port: number };

export interface HttpsApp {
  /** Listens; resolves with the port. Rejects when the address cannot be listened on. */
  listen(address: Address): Promise<number>;
  /** The same for browsers; null where they are not served. */
  listenWeb(): Promise<number | null>;
  /** Takes no more requests; resolves when those that are there have been answered. */
  close(): Promise<void>;
  readonly app: FastifyInstance;
}

/** Longest parameter in a path: periods and meters are shorter. */
const MOST_PARAMETER = 100;
/** Ids of requests in logs: unlike those of this process before a restart. */
const RUN_ID_BYTES = 4;

export async function httpsApp(options: HttpsAppOptions): Promise<HttpsApp> {
  const bounds = newBounds();
  const app = createApp(options, bounds, {
    https: serverOptions(options.identity, options.limits),
  });
  await app.ready();
  const browsers = await browserApp(options, bounds);
  const apps = browsers === null ? [app] : [app, browsers.app];
  return {
    app,
    listen: (address) => listen(app, address),
    listenWeb: async () => (browsers === null ? null : listen(browsers.app, browsers.listener)),
    async close() {
      bounds.stopped = true;
      browsers?.stop();
      await options.drained?.();
      await Promise.all(apps.map((one) => one.close()));
    },
  };
}

async function browserApp(options: HttpsAppOptions, bounds: RequestBounds) {
  const { web: listener, clock, log, limits } = options;
  if (listener === undefined) return null;
  const server = browserServerOptions(await readWebKeyPair(listener), limits);
  const app = createApp(options, bounds, server);
  await app.ready();
  const stopping = new AbortController();
  const onProblem = (message: string) => log.warn(`the certificate for browsers: ${message}`);
  const follow = { clock, signal: stopping.signal, onProblem };
  void followWebKeyPair(listener, app.server, follow);
  return { app, listener, stop: () => stopping.abort() };
}

function createApp(
  options: HttpsAppOptions,
  bounds: RequestBounds,
  server: { readonly https: HttpsServerOptions } | { readonly http: ServerOptions },
): FastifyInstance {
  const { limits, events, routes, mediaTypes, bodyBytes } = options;
  const answerError = answerErrors(options.log);
  let onClientError = (_error: NodeJS.ErrnoException, socket: Duplex): void => {
    socket.destroy();
  };
  const app = fastify({
    ...(server as { readonly https: HttpsServerOptions }),
    bodyLimit: bodyBytes,
    requestTimeout: limits.requestArrivalMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionTimeout: limits.idleConnectionMs,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    genReqId: requestIds(),
    routerOptions: { maxParamLength: MOST_PARAMETER },
    frameworkErrors: (error, request, reply) =>
      answerError(error, request, reply as unknown as FastifyReply),
    clientErrorHandler: (error, socket) => onClientError(error, socket),
  }) as unknown as FastifyInstance;
  onClientError = guardServer(app, limits, (problem) => events.broken(problem));
  // So that each is answered as a method that is not possible.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method as HTTPMethods)) app.addHttpMethod(method);
  }
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [...mediaTypes],
    { parseAs: "buffer" },
    async (_: FastifyRequest, body: unknown) => body,
  );
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new ProblemError("not-found", "there is nothing at this path; see /openapi.json");
  });
  watchRequests(app, options, bounds);
  addRoutes(app, routes);
  return app;
}

function requestIds(): () => string {
  const run = toHex(nodePrimitives.randomBytes(RUN_ID_BYTES));
  let count = 0;
  return () => {
    count += 1;
    return `${run}-${count}`;
  };
}

async function listen(app: FastifyInstance, { host, port }: Address): Promise<number> {
  await app.listen({ host, port });
  const at = app.server.address();
  return at === null || typeof at === "string" ? port : at.port;
}

function addRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  const paths = new Map<string, Route["method"][]>();
  for (const { method, path, before, answer } of routes) {
    paths.set(path, [...(paths.get(path) ?? []), method]);
    app.route({
      method,
      url: urlOf(path),
      onRequest: async (request, reply) => before?.(request, reply),
      handler: async (request, reply) => answer(request, reply),
    });
  }
  for (const [path, methods] of paths) addOtherMethods(app, path, methods);
}

/** Says of every other method that it is not possible, and answers what browsers ask before they send. */
function addOtherMethods(
  app: FastifyInstance,
  path: string,
  methods: readonly Route["method"][],
): void {
  const allowed = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  const allow = allowed.join(", ");
  app.options(urlOf(path), async (_, reply) => {
    reply.headers({ ...CORS_PREFLIGHT, "access-control-allow-methods": allow, allow }).code(204);
  });
  const others = METHODS.filter((method) => method !== "CONNECT" && !allowed.includes(method));
  app.route({
    method: others as HTTPMethods[],
    url: urlOf(path),
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      reply.header("allow", allow);
      throw new ProblemError(
        "method-not-allowed",
        `${request.method} is not possible here: ${allow}`,
      );
    },
    handler: async () => {},
  });
}

/** Braces of a path as the framework writes parameters. */
const urlOf = (path: string): string => path.replace(/\{(\w+)\}/g, ":$1");
