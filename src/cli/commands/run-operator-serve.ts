// hushwatt operator serve: the market's pages and public data for browsers, until it is told to end.
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { z } from "zod";
import { readMarketDocument } from "../../agents/market-file.ts";
import { PagesError } from "../../agents/operator/pages-build.ts";
import { startPages } from "../../agents/operator/pages-server.ts";
import { type WebListener, webListenerSchema } from "../../platform/web-listener.ts";
import { stopSignal } from "../stop-signal.ts";
import { InputError, print } from "../terminal.ts";

export interface ServeOptions {
  readonly market: string;
  readonly host: string;
  readonly port: number;
  readonly certificate?: string;
  readonly key?: string;
}

export async function servePages({ market: file, ...given }: ServeOptions): Promise<void> {
  const signal = stopSignal();
  const listener = listenerOf(given);
  const market = await readMarketDocument(file);
  const onProblem = (message: string) => process.stderr.write(`${message}\n`);
  for (const [i, { web }] of market.evaluators.entries()) {
    if (web === undefined)
      onProblem(`browsers cannot reach evaluator ${i}: ${file} has no web address of it`);
  }
  const running = await startPages({ market, listener, onProblem }).catch((error: unknown) => {
    if (error instanceof PagesError) throw new InputError([error.message]);
    throw error;
  });
  const scheme = listener.certificate === undefined ? "http" : "https";
  const host = isIPv6(listener.host) ? `[${listener.host}]` : listener.host;
  const pages = `${scheme}://${host}:${running.port}/`;
  print([JSON.stringify({ listening: { http: running.port }, pages })]);
  if (!signal.aborted) await once(signal, "abort");
  await running.stop();
}

function listenerOf(given: Omit<ServeOptions, "market">): WebListener {
  const parsed = webListenerSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new InputError([z.prettifyError(parsed.error).replace(/^✖ /, "")]);
}
