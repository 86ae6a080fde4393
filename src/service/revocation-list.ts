// The list of revoked certificates as a service follows it: from a file that the registrar's list is copied to, or from
// the registrar over HTTPS; again and again. A list that cannot be read leaves the last good one in force.
import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { httpsTransport } from "../channel/https-transport.ts";
import type { PartyVerifier } from "../crypto/party-verifier.ts";
import { readRevocations } from "../crypto/revocations.ts";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { isHttps } from "./config-fields.ts";

export interface RevocationOptions {
  /** A file, or an https URL of the registrar; none where no list is kept. */
  readonly source: string | undefined;
  readonly authorityPem: string;
  readonly verifier: PartyVerifier;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** How often it is read again. */
  readonly everyMs?: number;
}

export interface FollowedRevocations {
  /**
   * Reads the list for the first time. Rejects when a file has none that is right; the registrar may be out of reach
   * for now, then this warns.
   */
  start(): Promise<void>;
  /** Reads it again from time to time until `signal` is aborted. */
  follow(signal: AbortSignal): void;
}

interface Source {
  readonly text: (signal?: AbortSignal) => Promise<string>;
  close(): void;
}

export function followRevocations(options: RevocationOptions): FollowedRevocations {
  const { source, authorityPem, verifier, clock, log, everyMs = LIMITS.revocationsMs } = options;
  if (source === undefined) return { start: async () => {}, follow: () => {} };
  const isRemote = isHttps(source);
  const { text: fetchText, close } = isRemote ? registrarAt(source, options) : fileAt(source);
  let last = "";
  let lastNumber = 0;
  let problem: string | null = null;
  const read = async (signal?: AbortSignal) => {
    const text = await fetchText(signal);
    if (text === last) return;
    const { number, serials, nextUpdateMs } = await readRevocations(text, authorityPem);
    // An older list, signed as well, would make revoked certificates good again.
    if (number < lastNumber) {
      throw new Error(
        `${source} has the number ${number}, lower than the last one's ${lastNumber}`,
      );
    }
    if (nextUpdateMs < clock.utcMs()) {
      const since = new Date(nextUpdateMs).toISOString();
      log.warn(`the list of revoked certificates ${source} is old: a new one was due at ${since}`);
    }
    verifier.revoke(serials);
    last = text;
    lastNumber = number;
    log.info({ number, revoked: serials.size }, "list of revoked certificates read");
  };
  const readAgain = async (signal: AbortSignal) => {
    try {
      await read(signal);
      if (problem !== null) log.info("revocations: read again");
      problem = null;
    } catch (error) {
      const found = messageOf(error);
      // Once is enough while it stays the same.
      if (!signal.aborted && found !== problem) log.error(`revocations: ${found}`);
      problem = found;
    }
  };
  return {
    async start() {
      try {
        await read();
      } catch (error) {
        if (!isRemote) throw error;
        problem = messageOf(error);
        log.warn(`revocations: ${problem}; until it is read, nobody counts as revoked`);
      }
    },
    follow(signal) {
      void (async () => {
        while (!signal.aborted) {
          await clock.sleep(everyMs, signal).catch(() => {});
          if (!signal.aborted) await readAgain(signal);
        }
        close();
      })();
    },
  };
}

const fileAt = (file: string): Source => ({
  text: () =>
    readFile(file, "utf8").catch(() => {
      throw new Error(`cannot read the list of revoked certificates ${file}`);
    }),
  close: () => {},
});

/** Only the registrar's own certificate is believed; what it sends is checked like a file. */
function registrarAt(url: string, { authorityPem, clock }: RevocationOptions): Source {
  const server = { role: "registrar", id: "0" } as const;
  const { send, close } = httpsTransport({ authorityPem, server, clock, connections: 1 });
  const text = async (signal?: AbortSignal) => {
    const { status, body } = await send({ method: "GET", url, headers: {}, signal });
    if (status !== 200) throw new Error(`the registrar answers ${status} at ${url}`);
    return new TextDecoder().decode(body);
  };
  return { text, close };
}
