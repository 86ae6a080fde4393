// Links between processes: TLS 1.3 in which both sides prove with certificates of the market's
// authority who they are. A server welcomes an accepted client explicitly, because in TLS 1.3 a
// client completes its handshake before the server has looked at its certificate.

import type { AddressInfo } from "node:net";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { type Identity, partyOf } from "../crypto/certificates.ts";
import { type Party, partyName, sameParty } from "../crypto/party.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { LIMITS, TLS_SETTINGS } from "../platform/limits.ts";
import { ChannelError, type Link } from "./channel.ts";
import type { LinkOptions } from "./link-base.ts";
import { TlsLink } from "./tls-link.ts";

const WELCOME = Buffer.from("hushwatt");

/** Failures of an attempt to connect that may pass by themselves. */
const PASSING_ERRORS = new Set([
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

function tlsOptions(identity: Identity) {
  return {
    key: identity.privateKeyPem,
    cert: identity.certificatePem,
    ca: identity.authorityPem,
    minVersion: TLS_SETTINGS.version,
    maxVersion: TLS_SETTINGS.version,
    ciphers: TLS_SETTINGS.cipherSuites,
    ecdhCurve: TLS_SETTINGS.curve,
    ALPNProtocols: [TLS_SETTINGS.protocol],
    rejectUnauthorized: true,
  };
}

function prepare(socket: TLSSocket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, LIMITS.silenceMs);
}

export interface ListenOptions extends LinkOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** How long the link with a party may be silent while something is awaited; else `silenceMs`. */
  readonly silenceMsOf?: (party: Party) => number | undefined;
  /** Called with the link to each client that has proved to be a party of the market. */
  onPeer(link: Link, party: Party): void;
  /** Called with the reason and address of each client that was turned away. */
  readonly onRefused?: (reason: string, address: string) => void;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting clients; links that onPeer was given stay open. */
  close(): void;
}

function addressOf(socket: TLSSocket): string {
  return `${socket.remoteAddress ?? "unknown address"} port ${socket.remotePort ?? "unknown"}`;
}

function acceptClient(socket: TLSSocket, options: ListenOptions): void {
  const party = partyOf(new Uint8Array(socket.getPeerCertificate().raw));
  if (party === null) {
    options.onRefused?.("its certificate names no party of a market", addressOf(socket));
    socket.on("error", () => {});
    socket.destroy();
    return;
  }
  prepare(socket);
  socket.write(WELCOME);
  const silenceMs = options.silenceMsOf?.(party) ?? options.silenceMs;
  const linkOptions = silenceMs === undefined ? options : { ...options, silenceMs };
  options.onPeer(new TlsLink(socket, partyName(party), linkOptions), party);
}

/**
 * Accepts links from parties with a certificate of the same authority as `identity`. Rejects with
 * ChannelError "unreachable" when the address cannot be listened on.
 */
export function listen(identity: Identity, options: ListenOptions): Promise<Listener> {
  const server = createServer(
    {
      ...tlsOptions(identity),
      requestCert: true,
      honorCipherOrder: true,
      handshakeTimeout: LIMITS.handshakeMs,
    },
    (socket) => acceptClient(socket, options),
  );
  server.maxConnections = LIMITS.connections;
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    const verdict = (socket.authorizationError as Error | string | null) ?? error.code;
    options.onRefused?.(String(verdict ?? error.message), addressOf(socket));
    socket.destroy();
  });
  return new Promise((resolve, reject) => {
    // Once it listens, an error concerns one client that could not be accepted.
    server.on("error", (error: NodeJS.ErrnoException) => {
      options.onRefused?.(error.code ?? error.message, "unknown address");
      const where = `${options.host} port ${options.port}`;
      reject(new ChannelError("unreachable", `cannot listen on ${where}: ${error.code}`));
    });
    server.listen(options.port, options.host, () => {
      const { port } = server.address() as AddressInfo;
      resolve({ port, close: () => server.close() });
    });
  });
}

export interface ConnectOptions extends LinkOptions {
  readonly host: string;
  readonly port: number;
  /** Who must answer at that address. */
  readonly expect: Party;
  /** How long to keep trying, from now; LIMITS.connectDeadlineMs unless given. */
  readonly deadlineMs?: number;
  /** Ends the attempts; connect then rejects with code "closed". */
  readonly signal?: AbortSignal;
}

/** How an attempt ended: with a link, for good, or so that another one may succeed. */
type Outcome =
  | { readonly link: Link }
  | { readonly failed: ChannelError }
  | { readonly again: string; readonly turnedAway: boolean };

interface Attempt {
  readonly socket: TLSSocket;
  readonly options: ConnectOptions;
  readonly settle: (outcome: Outcome) => void;
  secured: boolean;
}

function refusal(options: ConnectOptions, what: string): Outcome {
  const where = `${options.host} port ${options.port}`;
  const message = `${partyName(options.expect)} at ${where}: ${what}`;
  return { failed: new ChannelError("unauthenticated", message) };
}

function outcomeOfError(attempt: Attempt, error: NodeJS.ErrnoException): Outcome {
  const code = error.code ?? "";
  if (PASSING_ERRORS.has(code) || (code === "" && error instanceof AggregateError)) {
    return { again: code || "no address answers", turnedAway: attempt.secured };
  }
  if (attempt.secured || code.includes("ALERT")) {
    return refusal(attempt.options, `our certificate was not accepted (${code})`);
  }
  return refusal(attempt.options, `its certificate was not accepted (${error.message})`);
}

/** Awaits the server's welcome and makes the link in the very turn in which it has come. */
function awaitWelcome(attempt: Attempt): void {
  const { socket, options } = attempt;
  let received: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    if (received.length < WELCOME.length) return;
    socket.off("data", onData);
    if (!received.subarray(0, WELCOME.length).equals(WELCOME)) {
      const what = `${partyName(options.expect)} did not begin with a welcome`;
      attempt.settle({ failed: new ChannelError("protocol", what) });
      return;
    }
    const link = new TlsLink(socket, partyName(options.expect), options);
    link.takeOver(received.subarray(WELCOME.length));
    attempt.settle({ link });
  };
  socket.on("data", onData);
}

function attemptOnce(identity: Identity, options: ConnectOptions, limitMs: number, clock: Clock) {
  const { expect, host, port } = options;
  return new Promise<Outcome>((resolve) => {
    const socket = connectTls({
      ...tlsOptions(identity),
      host,
      port,
      checkServerIdentity: (_host, certificate) => {
        const party = partyOf(new Uint8Array(certificate.raw));
        if (party !== null && sameParty(party, expect)) return undefined;
        return new Error(party === null ? "it names no party" : `it is ${partyName(party)}'s`);
      },
    });
    let settled = false;
    const settle = (outcome: Outcome): void => {
      if (settled) return;
      settled = true;
      cancelTimer();
      options.signal?.removeEventListener("abort", onAbort);
      if (!("link" in outcome)) socket.destroy();
      resolve(outcome);
    };
    const attempt: Attempt = { socket, options, settle, secured: false };
    const onAbort = (): void => settle({ again: "given up", turnedAway: false });
    const cancelTimer = clock.timer(limitMs, () =>
      settle({ again: "no handshake within the limit", turnedAway: false }),
    );
    options.signal?.addEventListener("abort", onAbort, { once: true });
    prepare(socket);
    socket.once("secureConnect", () => {
      attempt.secured = true;
    });
    socket.on("error", (error) => settle(outcomeOfError(attempt, error)));
    socket.on("close", () =>
      settle({ again: "the connection was ended", turnedAway: attempt.secured }),
    );
    awaitWelcome(attempt);
  });
}

/**
 * Connects to the party `expect`, trying again with growing pauses until the deadline. Rejects with
 * ChannelError: "unauthenticated" at once when either side's certificate is not accepted by the
 * other, "unreachable" when nobody answered until the deadline, "closed" when the signal was
 * aborted.
 */
export async function connect(identity: Identity, options: ConnectOptions): Promise<Link> {
  const clock = options.clock ?? systemClock;
  const deadlineMs = options.deadlineMs ?? LIMITS.connectDeadlineMs;
  const who = `${partyName(options.expect)} at ${options.host} port ${options.port}`;
  const endMs = clock.nowMs() + deadlineMs;
  let pauseMs: number = LIMITS.connectBackoffFirstMs;
  let turnedAwayBefore = false;
  for (;;) {
    const limitMs = Math.max(1, Math.min(LIMITS.handshakeMs, endMs - clock.nowMs()));
    const outcome = await attemptOnce(identity, options, limitMs, clock);
    if ("link" in outcome) return outcome.link;
    if ("failed" in outcome) throw outcome.failed;
    // Once may be a peer that is just going down; twice it has looked at our certificate and
    // refused.
    if (outcome.turnedAway && turnedAwayBefore) {
      const what = `${who} turned us away: our certificate is not accepted there`;
      throw new ChannelError("unauthenticated", what);
    }
    turnedAwayBefore = outcome.turnedAway;
    if (endMs - clock.nowMs() <= pauseMs) {
      const what = `no connection to ${who} within ${Math.round(deadlineMs)} ms (last: ${outcome.again})`;
      throw new ChannelError("unreachable", what);
    }
    await clock.sleep(pauseMs, options.signal).catch(() => {});
    if (options.signal?.aborted === true) {
      throw new ChannelError("closed", `connecting to ${who} was given up`);
    }
    pauseMs = Math.min(2 * pauseMs, LIMITS.connectBackoffLongestMs);
  }
}
