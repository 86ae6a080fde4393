// The configuration file of a market's dealer. Paths are relative to the file.
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readConfig } from "../platform/config-file.ts";
import { isHttps, listening, revocationSource } from "../service/config-fields.ts";
import { LOG_LEVELS } from "../service/log.ts";

const configSchema = z.strictObject({
  /** The market document. */
  market: z.string().min(1),
  /** The folder with key and certificates. */
  identity: z.string().min(1),
  /** The file with the secret that masks are made from. */
  masks: z.string().min(1),
  /** Where meters and suppliers are served. */
  http: listening,
  /** Where evaluators are. */
  links: listening,
  revocations: revocationSource,
  log_level: z.enum(LOG_LEVELS).default("info"),
});
export type DealerConfig = z.infer<typeof configSchema>;

/** Reads the file; throws an Error that names the file and what is wrong. */
export async function readDealerConfig(file: string): Promise<DealerConfig> {
  const config = await readConfig(file, configSchema);
  const here = (path: string) => resolve(dirname(file), path);
  const { revocations } = config;
  return {
    ...config,
    market: here(config.market),
    identity: here(config.identity),
    masks: here(config.masks),
    ...(revocations === undefined || isHttps(revocations)
      ? {}
      : { revocations: here(revocations) }),
  };
}
