// HTTPS for programs on Node: TLS 1.3 only, connections that are kept, and a server that is who it must be: the party
// in its certificate, signed by the market's authority, counts, and not the name of its host.
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { partyOf } from "../crypto/certificates.ts";
import { type Party, partyName, sameParty } from "../crypto/party.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { LIMITS, TLS_SETTINGS } from "../platform/limits.ts";
import {
  type HttpAnswer,
  type HttpRequest,
  type HttpTransport,
  TransportError,
  type TransportOptions,
} from "../wire/http-transport.ts";

export interface HttpsTransportOptions extends TransportOptions {
  /** The certificate of the market's authority. */
  readonly authorityPem: string;
  /** Who must answer. */
  readonly server: Party;
  readonly clock?: Clock;
  /** Connections at a time. */
  readonly connections?: number;
}

export interface HttpsTransport {
  readonly send: HttpTransport;
  /** Ends the connections that are kept. */
  close(): void;
}

/** A kept connection without a request ends after this time: servers end theirs later. */
const IDLE_MS = 4_000;
const DEFAULT_CONNECTIONS = 4;

/** A transport to one server. */
export function httpsTransport(options: HttpsTransportOptions): HttpsTransport {
  const { authorityPem, server } = options;
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.timeoutMs ?? LIMITS.requestMs;
  const mostBytes = options.mostBytes ?? LIMITS.answerBytes;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: options.connections ?? DEFAULT_CONNECTIONS,
    timeout: IDLE_MS,
    ca: authorityPem,
    minVersion: TLS_SETTINGS.version,
    ciphers: TLS_SETTINGS.cipherSuites,
    checkServerIdentity: (_host, certificate) => {
      const found = partyOf(new Uint8Array(certificate.raw));
      if (found !== null && sameParty(found, server)) return undefined;
      const name = found === null ? "no party of a market" : partyName(found);
      return new TransportError(`the certificate there is that of ${name}`);
    },
  });
  const exchange = async (request: HttpRequest): Promise<HttpAnswer> => {
    request.signal?.throwIfAborted();
    const sent = httpsRequest(request.url, {
      agent,
      method: request.method,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { "content-length": request.body.length }),
      },
      signal: request.signal,
    });
    let late = false;
    const cancel = clock.timer(timeoutMs, () => {
      late = true;
      sent.destroy();
    });
    try {
      const answer = await answerTo(sent, request.body);
      return {
        status: answer.statusCode!,
        headers: headersOf(answer),
        body: await bodyOf(answer, mostBytes),
      };
    } catch (error) {
      request.signal?.throwIfAborted();
      // The server may have ended a kept connection just then. All requests may be sent twice.
      const reset = sent.reusedSocket && codeOf(error) === "ECONNRESET";
      if (reset && !late) return exchange(request);
      const { origin } = new URL(request.url);
      const reason = late ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error);
      throw new TransportError(`cannot reach ${partyName(server)} at ${origin}: ${reason}`);
    } finally {
      cancel();
    }
  };
  return { send: exchange, close: () => agent.destroy() };
}

const answerTo = (sent: ClientRequest, body: Uint8Array | undefined): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.on("response", resolve);
    sent.on("error", reject);
    sent.end(body);
  });

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const known = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]);
  return Object.fromEntries(known);
}

async function bodyOf(answer: IncomingMessage, mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > mostBytes) {
      throw new TransportError(`its answer has more than ${mostBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "it has ended the connection",
  ENOTFOUND: "there is no such host",
  ETIMEDOUT: "it does not answer",
  CERT_HAS_EXPIRED: "its certificate has expired",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not of the market's authority",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not of the market's authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is not of the market's authority",
};

function reasonOf(error: unknown): string {
  const known = REASONS[codeOf(error) ?? ""];
  return known ?? (error instanceof Error ? error.message : String(error));
}
