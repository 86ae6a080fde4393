// hushwatt dealer --config FILE: runs the dealer of a market until it is told to end.
import { once } from "node:events";
import { startDealer } from "../../dealer/service.ts";
import { stopSignal } from "../stop-signal.ts";

export async function runDealer(config: string): Promise<void> {
  const signal = stopSignal();
  const dealer = await startDealer(config);
  process.stdout.write(`${JSON.stringify({ listening: { http: dealer.httpPort } })}\n`);
  if (!signal.aborted) await once(signal, "abort");
  await dealer.stop();
}
