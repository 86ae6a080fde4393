// How a client speaks HTTP: one request, one answer, by whatever means the platform has (client/fetch-transport.ts in a
// browser, channel/https-transport.ts in Node).

export interface HttpRequest {
  readonly method: string;
  /** The whole address. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** By name in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/**
 * Sends a request; resolves with any whole answer, whatever its status. Throws TransportError when there is none, and
 * the signal's reason when the signal is aborted.
 */
export type HttpTransport = (request: HttpRequest) => Promise<HttpAnswer>;

export interface TransportOptions {
  /** How long the whole exchange may take. */
  readonly timeoutMs?: number;
  /** The longest body of an answer. */
  readonly mostBytes?: number;
}

/** There was no whole answer: who was asked, and why not. */
export class TransportError extends Error {
  override readonly name = "TransportError";
}
