// The configuration file of the registrar's service. Paths are relative to the file.
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readConfig } from "../platform/config-file.ts";
import { locatedWebListener, webListenerSchema } from "../platform/web-listener.ts";

const configSchema = z.strictObject({
  /** The folder of the market. */
  market: z.string().min(1),
  /** Where it listens; 0 for any free port. */
  http: z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65535) }),
  /** Where browsers are served the same, with a certificate that they trust. */
  web: webListenerSchema.optional(),
  log_level: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type RegistrarConfig = z.infer<typeof configSchema>;

/** Reads the file; throws an Error that names the file and what is wrong. */
export async function readRegistrarConfig(file: string): Promise<RegistrarConfig> {
  const config = await readConfig(file, configSchema);
  const here = (path: string) => resolve(dirname(file), path);
  const web = config.web === undefined ? {} : { web: locatedWebListener(config.web, here) };
  return { ...config, market: here(config.market), ...web };
}
