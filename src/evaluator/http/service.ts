// The evaluator's HTTPS service: the routes of endpoints.ts on the server of https-server.ts.
import { METHODS } from "node:http";
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
import type { EvaluatorStore } from "../../storage/evaluator-store.ts";
import { toHex } from "../../wire/hex.ts";
import { ORDER_MEDIA_TYPE, READING_MEDIA_TYPE } from "../../wire/order-body.ts";
import { ProblemError } from "../../wire/problems.ts";
import { CORS_PREFLIGHT } from "./answer-headers.ts";
import type { HttpContext, HttpLimits } from "./context.ts";
import { ENDPOINTS, type Endpoint, type EndpointName } from "./endpoints.ts";
import { guardServer, serverOptions } from "./https-server.ts";
import { answerErrors } from "./problem-answers.ts";
import { type RequestBounds, watchRequests } from "./requests.ts";
import { type Handler, routesOf } from "./routes.ts";

export interface HttpServiceOptions extends Omit<HttpContext, "limits"> {
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpService {
  /** Listens; resolves with the port. Rejects when the address cannot be listened on. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
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
  const { handlers, bodyBytes, drained } = routesOf(context, signerOf(options.identity));
  const answerError = answerErrors(options.log);
  let onClientError = (_error: NodeJS.ErrnoException, socket: Duplex): void => {
    socket.destroy();
  };
  const app = fastify({
    https: serverOptions(options.identity, limits),
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
  const bounds = watchRequests(app, context);
  addRoutes(app, handlers);
  await app.ready();
  return {
    app,
    listen: (address) => listen(app, address),
    close: () => close(app, bounds, drained),
  };
}

function requestIds(): () => string {
  const run = toHex(nodePrimitives.randomBytes(RUN_ID_BYTES));
  let count = 0;
  return () => {
    count += 1;
    return `${run}-${count}`;
  };
}

async function listen(
  app: FastifyInstance,
  address: { readonly host: string; readonly port: number },
): Promise<number> {
  await app.listen(address);
  const at = app.server.address();
  return at === null || typeof at === "string" ? address.port : at.port;
}

async function close(
  app: FastifyInstance,
  bounds: RequestBounds,
  drained: () => Promise<void>,
): Promise<void> {
  bounds.stopped = true;
  await drained();
  await app.close();
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
