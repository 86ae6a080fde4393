// The configuration of a supplier's program. Paths in it are relative to its own folder.
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readConfig } from "../../platform/config-file.ts";

const configSchema = z.strictObject({
  /** The market document. */
  market: z.string().min(1),
  /** The folder with the supplier's key and certificate. */
  identity: z.string().min(1),
  /** How many customers the supplier has in this market: with too few for a sum to hide each, none is shown. */
  customers: z.int().min(0).optional(),
});

export type SupplierConfig = z.infer<typeof configSchema>;

/** Reads a configuration, its paths made absolute; an error names the file and what is wrong with it. */
export async function readSupplierConfig(file: string): Promise<SupplierConfig> {
  const { market, identity, ...rest } = await readConfig(file, configSchema);
  const at = (path: string) => resolve(dirname(file), path);
  return { market: at(market), identity: at(identity), ...rest };
}
