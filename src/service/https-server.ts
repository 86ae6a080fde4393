// The server of HTTPS under the routes: TLS 1.3 only, with the service's own certificate, and a bound for everything
// that a slow or hostile client could use up.
import type {
  IncomingMessage,
  ServerOptions as PlainServerOptions,
  ServerResponse,
} from "node:http";
import type { ServerOptions } from "node:https";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Identity } from "../crypto/certificates.ts";
import { TLS_SETTINGS } from "../platform/limits.ts";
import { type WebKeyPair, webTlsOptions } from "../platform/web-listener.ts";
import type { ProblemCode } from "../wire/problems.ts";
import type { HttpsLimits } from "./https-limits.ts";
import { brokenRequest, rawProblem } from "./problem-answers.ts";

/** How often connections are looked at whose requests do not arrive. */
const LEAST_CHECKS = 4;

/** Bounds of any server, with or without TLS. */
const plainOptions = (limits: HttpsLimits): PlainServerOptions => ({
  noDelay: true,
  maxHeaderSize: limits.headersBytes,
  headersTimeout: limits.headersMs,
  connectionsCheckingInterval: Math.ceil(limits.headersMs / LEAST_CHECKS),
  // Routes refuse requests without Host, with problem details.
  requireHostHeader: false,
});

/** For everybody who knows the market's authority. */
export function serverOptions(identity: Identity, limits: HttpsLimits): ServerOptions {
  return {
    ...plainOptions(limits),
    key: identity.privateKeyPem,
    cert: identity.certificatePem,
    minVersion: TLS_SETTINGS.version,
    maxVersion: TLS_SETTINGS.version,
    ciphers: TLS_SETTINGS.cipherSuites,
    ecdhCurve: TLS_SETTINGS.curve,
    ALPNProtocols: ["http/1.1"],
    honorCipherOrder: true,
    handshakeTimeout: limits.handshakeMs,
  };
}

/** For browsers: with a certificate that they trust or, on this machine only, without TLS. */
export const browserServerOptions = (
  keyPair: WebKeyPair | null,
  limits: HttpsLimits,
): { https: ServerOptions } | { http: PlainServerOptions } =>
  keyPair === null
    ? { http: plainOptions(limits) }
    : { https: { ...plainOptions(limits), ...webTlsOptions(keyPair) } };

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Bounds and answers below the framework: on connections where no request could be read. */
export function guardServer(
  { server }: FastifyInstance,
  limits: HttpsLimits,
  onBroken: (problem: ProblemCode) => void,
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  server.maxConnections = limits.connections;
  server.maxHeadersCount = limits.headers;
  const last = new WeakMap<object, Exchange>();
  server.on("request", (request, response) => last.set(request.socket, { request, response }));
  const refuse = (socket: Duplex, code: ProblemCode, detail: string) => {
    onBroken(code);
    const exchange = last.get(socket);
    if (!socket.writable) socket.destroy();
    else if (isAnswering(exchange)) exchange.response.once("close", () => socket.destroy());
    else socket.end(rawProblem(code, detail), () => socket.destroy());
  };
  server.on("checkExpectation", (request: IncomingMessage) => {
    refuse(request.socket, "malformed-request", "no expectation but 100-continue can be met");
  });
  server.on("connect", (_: IncomingMessage, socket: Duplex) => {
    refuse(socket, "method-not-allowed", "this is no proxy");
  });
  return (error, socket) => {
    if (error.code === "ECONNRESET") socket.destroy();
    else refuse(socket, ...brokenRequest(error.code));
  };
}

/** Whether a whole request is being answered, which comes first: what is sent now would be taken for that answer. */
const isAnswering = (exchange: Exchange | undefined): exchange is Exchange =>
  exchange !== undefined &&
  (exchange.response.headersSent || exchange.request.complete) &&
  !exchange.response.writableFinished;
