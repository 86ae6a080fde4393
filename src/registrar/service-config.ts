// The configuration file of the registrar's service. Paths are relative to the file.
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readConfig } from "../platform/config-file.ts";

const configSchema = z.strictObject({
  /** The folder of the market. */
  market: z.string().min(1),
  /** Where it listens; 0 for any free port. */
  http: z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65535) }),
  log_level: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type RegistrarConfig = z.infer<typeof configSchema>;

/** Reads the file; throws an Error that names the file and what is wrong. */
export async function readRegistrarConfig(file: string): Promise<RegistrarConfig> {
  const config = await readConfig(file, configSchema);
  return { ...config, market: resolve(dirname(file), config.market) };
}
