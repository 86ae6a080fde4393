// The pages of a rehearsed market that goes on: served by a process of their own, with codes for whoever wants to take
// part, and to see a supplier's side.
import { dirname } from "node:path";
import { z } from "zod";
import { ServiceProcess } from "../agents/service-processes.ts";
import { Registrar } from "../registrar/registrar.ts";

export interface KeptPages {
  /** Where a browser finds them. */
  readonly address: string;
  /** For one household. */
  readonly code: string;
  /** For a browser of the first supplier. */
  readonly supplierCode: string;
  stop(): Promise<void>;
}

const SUPPLIER = 0;
const CODE_DAYS = 1;
const startedSchema = z.object({ pages: z.string() });

/** Serves the pages of the market of a document's file, which lies in its registrar's folder. */
export async function keptPages(marketFile: string): Promise<KeptPages> {
  const pages = new ServiceProcess({
    name: "the pages' server",
    arguments: ["operator", "serve", "--market", marketFile, "--port", "0"],
  });
  const { pages: address } = startedSchema.parse(JSON.parse(await pages.start()));
  const registrar = await Registrar.open(dirname(marketFile));
  try {
    const [code] = registrar.createCodes(SUPPLIER, 1, CODE_DAYS);
    const [supplierCode] = registrar.createCodes(SUPPLIER, 1, CODE_DAYS, "supplier");
    return { address, code: code!, supplierCode: supplierCode!, stop: () => pages.end() };
  } finally {
    registrar.close();
  }
}
