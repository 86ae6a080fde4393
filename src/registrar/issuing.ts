// Issues one certificate, as the registry remembers it.
import { X509Certificate } from "node:crypto";
import { serialText } from "../crypto/certificate-names.ts";
import type { Authority } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Party } from "../crypto/party.ts";
import type { MarketDocument } from "../market/market-document.ts";
import type { Clock } from "../platform/clock.ts";
import { toHex } from "../wire/hex.ts";
import { CERTIFICATE_DAYS } from "./certificate-days.ts";
import { hostsOf } from "./market-parties.ts";
import type { Enrolment } from "./registry.ts";

const METER_ID_BYTES = 16;

/** A meter with a random name. */
export const newMeter = (): Party => ({
  role: "meter",
  id: toHex(nodePrimitives.randomBytes(METER_ID_BYTES)),
});

interface Issuer {
  readonly market: MarketDocument;
  readonly authority: Authority;
  readonly clock: Clock;
}

interface Asked {
  readonly requestPem: string;
  /** As `Enrolment.keyHash`. */
  readonly keyHash: string;
  readonly party: Party;
}

export interface IssuingOptions {
  /** The number of a meter's supplier. */
  readonly supplier?: number;
  readonly validityDays?: number;
  /** A code says who asks: the request names nobody. */
  readonly mayNameNobody?: boolean;
}

/** Throws CertificateError. */
export async function issueCertificate(
  { market, authority, clock }: Issuer,
  { requestPem, keyHash, party }: Asked,
  options: IssuingOptions,
): Promise<Enrolment> {
  const { supplier, validityDays = CERTIFICATE_DAYS, mayNameNobody } = options;
  const certificatePem = await authority.issue(requestPem, party, {
    validityDays,
    hosts: hostsOf(market, party),
    ...(supplier === undefined ? {} : { supplier }),
    ...(mayNameNobody === undefined ? {} : { mayNameNobody }),
  });
  const certificate = new X509Certificate(certificatePem);
  return {
    serial: serialText(certificate.serialNumber),
    party,
    supplier: supplier ?? null,
    keyHash,
    certificatePem,
    issuedMs: clock.utcMs(),
    expiresMs: certificate.validToDate.getTime(),
    revokedMs: null,
  };
}
