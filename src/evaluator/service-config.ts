// The configuration file of an evaluator service. Paths are relative to the file.
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readConfig } from "../platform/config-file.ts";
import { LIMITS } from "../platform/limits.ts";
import { locatedWebListener, webListenerSchema } from "../platform/web-listener.ts";
import { isHttps, listening, revocationSource } from "../service/config-fields.ts";
import { LOG_LEVELS } from "../service/log.ts";
import { MAX_PARTIES } from "../wire/setting.ts";

const configSchema = z.strictObject({
  /** The market document. */
  market: z.string().min(1),
  /** This evaluator's number. */
  index: z
    .int()
    .min(0)
    .max(MAX_PARTIES - 1),
  /** The folder with key and certificates. */
  identity: z.string().min(1),
  /** Where meters, suppliers and operators are served. */
  http: listening,
  /** Where browsers are served the same, with a certificate that they trust. */
  web: webListenerSchema.optional(),
  /** Where the other evaluators are: only the leading process listens there. */
  peers: listening,
  /** `sqlite:FILE` or `postgres://...` */
  database: z.string().regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, {
    error: "expected sqlite:FILE or postgres://USER@HOST/DATABASE",
  }),
  revocations: revocationSource,
  log_level: z.enum(LOG_LEVELS).default("info"),
  /** Ends links on which nothing awaited arrives for this long. */
  silence_ms: z.int().min(100).default(10_000),
  /** How long this process leads without renewing: after that another one of its organisation may. */
  lease_ms: z.int().min(200).default(LIMITS.leaseMs),
  /** How long evaluators wait for one that is missing. */
  rejoin_ms: z.int().min(100).default(5_000),
});
export type ServiceConfig = z.infer<typeof configSchema>;

/** Reads the file; throws an Error that names the file and what is wrong. */
export async function readServiceConfig(file: string): Promise<ServiceConfig> {
  const config = await readConfig(file, configSchema);
  const here = (path: string) => resolve(dirname(file), path);
  const { revocations, database, web } = config;
  return {
    ...config,
    market: here(config.market),
    identity: here(config.identity),
    database: database.startsWith("sqlite:")
      ? `sqlite:${here(database.slice("sqlite:".length))}`
      : database,
    ...(web === undefined ? {} : { web: locatedWebListener(web, here) }),
    ...(revocations === undefined || isHttps(revocations)
      ? {}
      : { revocations: here(revocations) }),
  };
}
