// hushwatt evaluator --config FILE: runs an evaluator until it is told to end.
import { once } from "node:events";
import { ChannelError } from "../../channel/channel.ts";
import { startService } from "../../evaluator/service.ts";
import { stopSignal } from "../stop-signal.ts";

export async function runEvaluator(config: string): Promise<void> {
  // When links end with an evaluator, so do operations that nobody awaits any more: no reason to stop.
  process.on("unhandledRejection", (error) => {
    if (!(error instanceof ChannelError)) throw error;
  });
  const signal = stopSignal();
  const service = await startService(config);
  const { httpPort: http, webPort } = service;
  const listening = { http, ...(webPort === null ? {} : { web: webPort }) };
  process.stdout.write(`${JSON.stringify({ listening })}\n`);
  await Promise.race([once(signal, "abort"), service.failed]);
  await service.stop();
}
