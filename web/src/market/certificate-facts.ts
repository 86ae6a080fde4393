// What a person needs to know of an own certificate: its number, by which it is revoked, and how long it is valid.
import { X509Certificate } from "@peculiar/x509";

export interface CertificateFacts {
  /** In small hexadecimal digits without leading zeros, as the registrar writes it. */
  readonly serial: string;
  readonly endsMs: number;
}

export function certificateFacts(pem: string): CertificateFacts {
  const { serialNumber, notAfter } = new X509Certificate(pem);
  const serial = serialNumber.toLowerCase().replace(/^0+(?=.)/, "");
  return { serial, endsMs: notAfter.getTime() };
}
