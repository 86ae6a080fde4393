// A supplier's program put together from its files: its identity and its way to the evaluators.
import { SupplierClient } from "../../client/supplier-client.ts";
import { CertificateError } from "../../crypto/certificates.ts";
import { readIdentity } from "../../crypto/identity-files.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { signerOf } from "../../crypto/signing-key.ts";
import { Field } from "../../field/field.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { type EvaluatorAccess, evaluatorAccess } from "../evaluator-access.ts";
import { readMarketDocument } from "../market-file.ts";
import { Supplier, type SupplierOptions } from "./supplier.ts";
import { readSupplierConfig } from "./supplier-config.ts";

type Sink = Pick<SupplierOptions, "isKnown" | "onRows" | "onProblem" | "settlements" | "onTrouble">;

export interface SupplierPlace {
  readonly market: MarketDocument;
  /** The folder with the supplier's key and certificate. */
  readonly identity: string;
  /** How many customers it has, where it knows. */
  readonly customers?: number | undefined;
  /** What several parties of one process share. */
  readonly access?: EvaluatorAccess;
}

export interface OpenedSupplier {
  readonly supplier: Supplier;
  close(): void;
}

/** Throws CertificateError when the identity is not that of a supplier of the market. */
export async function openSupplierAt(place: SupplierPlace, sink: Sink): Promise<OpenedSupplier> {
  const { market } = place;
  const identity = await readIdentity(place.identity);
  const { role, id } = identity.party;
  const supplier = Number(id);
  if (role !== "supplier" || market.suppliers[supplier] === undefined) {
    throw new CertificateError(`the certificate in ${place.identity} is not that of a supplier`);
  }
  const access = place.access ?? evaluatorAccess(market);
  const tools = { field: new Field(), primitives: nodePrimitives };
  const signer = signerOf(identity);
  const client = new SupplierClient({ market, ...access, signer, supplier, tools });
  const close = () => {
    if (place.access === undefined) access.close();
  };
  return { supplier: new Supplier({ market, client, customers: place.customers, ...sink }), close };
}

/** Opens the supplier of a configuration file. Errors are for people to read. */
export async function openSupplier(configFile: string, sink: Sink): Promise<OpenedSupplier> {
  const { market, ...place } = await readSupplierConfig(configFile);
  return openSupplierAt({ market: await readMarketDocument(market), ...place }, sink);
}
