// The list of revoked certificates as a service follows it: from a file that the registrar's list is copied to, or
// from
// the registrar over HTTPS; again and again. A list that cannot be read leaves the last good one in force, which is
// also kept on disk for the next start.
import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { httpsTransport } from "../channel/https-transport.ts";
import type { PartyVerifier } from "../crypto/party-verifier.ts";
import { readRevocations } from "../crypto/revocations.ts";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { isHttps } from "./config-fields.ts";
import type { KeptRevocations } from "./kept-revocations.ts";

export interface RevocationOptions {
  /** A file, or an https URL of the registrar; none where no list is kept. */
  readonly source: string | undefined;
  /** Where the last good list is kept. */
  readonly kept: KeptRevocations;
  readonly authorityPem: string;
  readonly verifier: PartyVerifier;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** How often it is read again. */
  readonly everyMs?: number;
}

export interface FollowedRevocations {
  /**
   * Puts the kept list in force and reads the current one for the first time. Rejects when a file has none that is
   * right; the registrar may be out of reach for now, then this warns.
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
  const { source, clock, log, everyMs = LIMITS.revocationsMs } = options;
  if (source === undefined) return { start: async () => {}, follow: () => {} };
  const isRemote = isHttps(source);
  const { text: fetchText, close } = isRemote ? registrarAt(source, options) : fileAt(source);
  const inForce = new ListInForce(options);
  let problem: string | null = null;
  const read = async (signal?: AbortSignal) => {
    await inForce.take(source, await fetchText(signal));
    await inForce.keep();
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
        await inForce.restore();
      } catch (error) {
        log.warn(`revocations: ${messageOf(error)}; the next list that is read replaces it`);
      }
      try {
        await read();
      } catch (error) {
        if (!isRemote) throw error;
        problem = messageOf(error);
        const { number } = inForce;
        const until =
          number === 0
            ? "nobody counts as revoked"
            : `list ${number}, kept from before, is in force`;
        log.warn(`revocations: ${problem}; until it is read, ${until}`);
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

/** The list that the verifier goes by: never replaced by one with a lower number. */
class ListInForce {
  /** 0 while there is none. */
  number = 0;
  private readonly options: RevocationOptions;
  private text = "";
  private keptText = "";
  private problem = "";

  constructor(options: RevocationOptions) {
    this.options = options;
  }

  /** Puts the list that was kept in force: what it was when this evaluator ran last. */
  async restore(): Promise<void> {
    const { kept } = this.options;
    const text = await kept.read();
    if (text === null) return;
    await this.take(kept.file, text);
    this.keptText = text;
  }

  /** Puts a list in force; rejects when it is wrong, or older than the one in force. */
  async take(source: string, text: string): Promise<void> {
    if (text === this.text) return;
    const { authorityPem, verifier, clock, log } = this.options;
    const { number, serials, nextUpdateMs } = await readRevocations(text, authorityPem);
    // An older list, signed as well, would make revoked certificates good again.
    if (number < this.number) {
      throw new Error(
        `${source} has the number ${number}, lower than the last one's ${this.number}`,
      );
    }
    if (nextUpdateMs < clock.utcMs()) {
      const since = new Date(nextUpdateMs).toISOString();
      log.warn(`the list of revoked certificates ${source} is old: a new one was due at ${since}`);
    }
    verifier.revoke(serials);
    this.text = text;
    this.number = number;
    log.info({ number, revoked: serials.size }, "list of revoked certificates read");
  }

  /** Keeps the list in force. That it cannot be kept is said once, and tried again with the next call. */
  async keep(): Promise<void> {
    if (this.text === this.keptText) return;
    const { text, number } = this;
    try {
      await this.options.kept.keep(text, number);
      this.keptText = text;
      this.problem = "";
    } catch (error) {
      const found = messageOf(error);
      if (found !== this.problem) {
        this.options.log.warn(`revocations: the list ${number} is in force but not kept: ${found}`);
      }
      this.problem = found;
    }
  }
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
