// Server-sent events: what a watch tells, to every page that listens. A page that takes nothing is let go; it comes
// back by itself and asks for what it missed.
import type { ServerResponse } from "node:http";
import type { Clock } from "../../platform/clock.ts";
import type { MarketWatch } from "./market-watch.ts";

const MOST_LISTENERS = 1_000;
const MOST_WAITING_BYTES = 1 << 20;
/** So that neither proxies nor browsers take silence for an end. */
const BEAT_MS = 15_000;
const RETRY_MS = 2_000;

export class EventStream {
  readonly #open = new Set<ServerResponse>();

  /** False when too many pages listen already; then nothing has been answered. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): boolean {
    if (this.#open.size >= MOST_LISTENERS) return false;
    response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // For proxies that gather answers.
      "x-accel-buffering": "no",
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#open.add(response);
    response.once("close", () => this.#open.delete(response));
    return true;
  }

  /** Sends what the watch tells until the signal is aborted; then all streams end. */
  async run(watch: MarketWatch, clock: Clock, signal: AbortSignal): Promise<void> {
    const stop = watch.subscribe((name, data) =>
      this.#send(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`),
    );
    while (!signal.aborted) {
      await clock.sleep(BEAT_MS, signal).catch(() => {});
      this.#send(":\n\n");
    }
    stop();
    for (const response of this.#open) response.end();
  }

  #send(text: string): void {
    for (const response of this.#open) {
      if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
      else response.write(text);
    }
  }
}
