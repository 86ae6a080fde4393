// What the registrar refuses is a mistake in what the user gave, and is shown as such.
import { EnrolmentError } from "../client/enrol-by-code.ts";
import { CertificateError } from "../crypto/certificates.ts";
import { MarketDocumentError } from "../market/market-document.ts";
import { MarketFileError } from "../market/parameters.ts";
import { RegistrarError } from "../registrar/registrar-error.ts";
import { RegistryError } from "../registrar/registry.ts";
import { InputError } from "./terminal.ts";

const REFUSALS = [
  CertificateError,
  EnrolmentError,
  MarketDocumentError,
  RegistrarError,
  RegistryError,
];

/** Rejects with InputError where `work` rejects because of what it was given. */
export async function refusalsAsInputErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MarketFileError) throw new InputError(error.problems);
    if (REFUSALS.some((kind) => error instanceof kind)) {
      throw new InputError([(error as Error).message]);
    }
    throw error;
  }
}
