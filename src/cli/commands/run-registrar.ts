// hushwatt registrar: serves enrolments and the list of revoked certificates until it is told to end.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startRegistrar } from "../../registrar/service.ts";
import { readRegistrarConfig } from "../../registrar/service-config.ts";
import { refusalsAsInputErrors } from "../registrar-errors.ts";
import { stopSignal } from "../stop-signal.ts";
import { InputError, print } from "../terminal.ts";

export interface RegistrarOptions {
  readonly market?: string;
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
}

async function doRunRegistrar({ market, config, host, port }: RegistrarOptions): Promise<void> {
  if ((market === undefined) === (config === undefined)) {
    throw new InputError(["say which market: --market FOLDER or --config FILE"]);
  }
  const signal = stopSignal();
  const file = config ?? join(market!, "registrar.json");
  if (!existsSync(file)) {
    throw new InputError([`there is no ${file}: hushwatt init --registrar HOST:PORT makes one`]);
  }
  const read = await readRegistrarConfig(file);
  const http = { host: host ?? read.http.host, port: port ?? read.http.port };
  const running = await startRegistrar({ ...read, http });
  const web = running.webPort === null ? {} : { web: running.webPort };
  print([JSON.stringify({ listening: { http: running.port, ...web } })]);
  if (!signal.aborted) await once(signal, "abort");
  await running.stop();
}

export const runRegistrar = (...given: Parameters<typeof doRunRegistrar>): Promise<void> =>
  refusalsAsInputErrors(doRunRegistrar(...given));
