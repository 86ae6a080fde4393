// The evaluator's HTTPS service: the routes of endpoints.ts on the servers of https-server.ts, one for everybody who
// knows the market's authority and, where it is configured, one for browsers. Both have the same routes and bounds.
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
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { signerOf } from "../../crypto/signing-key.ts";
import { LIMITS } from "../../platform/limits.ts";
import { followWebKeyPair, readWebKeyPair, type WebListener } from "../../platform/web-listener.ts";
import type { EvaluatorStore } from "../../storage/evaluator-store.ts";
import { toHex } from "../../wire/hex.ts";
import { ORDER_MEDIA_TYPE, READING_MEDIA_TYPE } from "../../wire/order-body.ts";
import { ProblemError } from "../../wire/problems.ts";
import { CORS_PREFLIGHT } from "./answer-headers.ts";
import type { HttpContext, HttpLimits } from "./context.ts";
import { ENDPOINTS, type Endpoint, type EndpointName } from "./endpoints.ts";
import { browserServerOptions, guardServer, serverOptions } from "./https-server.ts";
import { answerErrors } from "./problem-answers.ts";
import { newBounds, type RequestBounds, watchRequests } from "./requests.ts";
import { type Handler, type Routes, routesOf } from "./routes.ts";

export interface HttpServiceOptions extends Omit<HttpContext, "limits"> {
  readonly limits?: Partial<HttpLimits>;
  /** Where browsers are served, too. */
  readonly web?: WebListener;
}

type Address = { readonly host: string; readonly port: number };

export interface HttpService {
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

export async function createHttpService(options: HttpServiceOptions): Promise<HttpService> {
  const limits = { ...LIMITS, ...options.limits };
  const store = counted(options.store, options.metrics);
  const context: HttpContext = { ...options, limits, store };
  const routes = routesOf(context, signerOf(options.identity));
  const bounds = newBounds();
  const app = createApp(context, routes, bounds, {
    https: serverOptions(options.identity, limits),
  });
  await app.ready();
  const browsers = await browserApp(options, context, routes, bounds);
  const apps = browsers === null ? [app] : [app, browsers.app];
  return {
    app,
    listen: (address) => listen(app, address),
    listenWeb: async () => (browsers === null ? null : listen(browsers.app, browsers.listener)),
    async close() {
      bounds.stopped = true;
      browsers?.stop();
      await routes.drained();
      await Promise.all(apps.map((one) => one.close()));
    },
  };
}

async function browserApp(
  { web: listener, clock, log }: HttpServiceOptions,
  context: HttpContext,
  routes: Routes,
  bounds: RequestBounds,
) {
  if (listener === undefined) return null;
  const server = browserServerOptions(await readWebKeyPair(listener), context.limits);
  const app = createApp(context, routes, bounds, server);
  await app.ready();
  const stopping = new AbortController();
  const onProblem = (message: string) => log.warn(`the certificate for browsers: ${message}`);
  const follow = { clock, signal: stopping.signal, onProblem };
  void followWebKeyPair(listener, app.server, follow);
  return { app, listener, stop: () => stopping.abort() };
}

function createApp(
  context: HttpContext,
  { handlers, bodyBytes }: Routes,
  bounds: RequestBounds,
  server: { readonly https: HttpsServerOptions } | { readonly http: ServerOptions },
): FastifyInstance {
  const { limits, log } = context;
  const answerError = answerErrors(log);
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
  onClientError = guardServer(app, context);
  // So that each is answered as a method that is not possible.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method as HTTPMethods)) app.addHttpMethod(method);
  }
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [ORDER_MEDIA_TYPE, READING_MEDIA_TYPE],
    { parseAs: "buffer" },
    async (_: FastifyRequest, body: unknown) => body,
  );
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new ProblemError("not-found", "there is nothing at this path; see /openapi.json");
  });
  watchRequests(app, context, bounds);
  addRoutes(app, handlers);
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

function addRoutes(app: FastifyInstance, handlers: Readonly<Record<EndpointName, Handler>>): void {
  const paths = new Map<string, Endpoint["method"][]>();
  for (const name of Object.keys(ENDPOINTS) as EndpointName[]) {
    const { method, path } = ENDPOINTS[name];
    paths.set(path, [...(paths.get(path) ?? []), method]);
    const { before, answer } = handlers[name];
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
  methods: readonly Endpoint["method"][],
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

/** The store, of which failures are counted by call. */
function counted(store: EvaluatorStore, metrics: HttpContext["metrics"]): EvaluatorStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...values: unknown[]) => {
        try {
          return await member.apply(target, values);
        } catch (error) {
          metrics.storeErrors.inc({ call: String(name) });
          throw error;
        }
      };
    },
  });
}
