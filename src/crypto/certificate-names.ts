// Who a certificate or a request names, in its subject alternative names: a party of a market and, in a meter's
// certificate, the supplier whose customer it is; hosts besides, for those that serve HTTPS.
import "reflect-metadata";
import { isIP } from "node:net";
import {
  type Extension,
  type JsonGeneralName,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";
import { type Party, partyFromUri, partyUri } from "./party.ts";

const CUSTOMER_PATTERN = /^urn:hushwatt:customer-of:(0|[1-9]\d{0,2})$/;

/** What goes into a certificate besides its party. */
export interface OtherNames {
  /** In a meter's certificate: the number of the supplier whose customer it is. */
  readonly supplier?: number;
  /** Host names and IP addresses at which the party serves HTTPS. */
  readonly hosts?: readonly string[];
}

export function namesExtension(
  party: Party,
  { supplier, hosts = [] }: OtherNames = {},
): SubjectAlternativeNameExtension {
  const names: JsonGeneralName[] = [{ type: "url", value: partyUri(party) }];
  if (supplier !== undefined) {
    names.push({ type: "url", value: `urn:hushwatt:customer-of:${supplier}` });
  }
  for (const host of hosts) names.push({ type: isIP(host) === 0 ? "dns" : "ip", value: host });
  return new SubjectAlternativeNameExtension(names);
}

/** URIs among the subject alternative names. */
export function urisOf(extensions: readonly Extension[]): string[] {
  return extensions.flatMap((extension) =>
    extension instanceof SubjectAlternativeNameExtension
      ? extension.names.items.flatMap(({ type, value }) => (type === "url" ? [value] : []))
      : [],
  );
}

/** The one party that URIs name; null when they name none, several, or anything unknown. */
export function partyNamed(uris: readonly string[]): Party | null {
  const others = uris.filter((uri) => !CUSTOMER_PATTERN.test(uri));
  return others.length === 1 ? partyFromUri(others[0]!) : null;
}

/** The one supplier of whom URIs make somebody the customer, or null. */
export function supplierNamed(uris: readonly string[]): number | null {
  const numbers = uris.flatMap((uri) => CUSTOMER_PATTERN.exec(uri)?.[1] ?? []);
  return numbers.length === 1 ? Number(numbers[0]) : null;
}

function urisOfCertificate(certificate: Uint8Array<ArrayBuffer> | string): string[] {
  try {
    return urisOf(new X509Certificate(certificate).extensions);
  } catch {
    return [];
  }
}

/**
 * The party that a certificate (DER or PEM) names, or null when it is no certificate, or names none
 * or several. Says nothing about who signed it: check that first.
 */
export const partyOf = (certificate: Uint8Array<ArrayBuffer> | string): Party | null =>
  partyNamed(urisOfCertificate(certificate));

/**
 * The number of the supplier whose customer the party of a certificate (DER or PEM) is, or null when it names none.
 * Says nothing about who signed it.
 */
export const supplierOf = (certificate: Uint8Array<ArrayBuffer> | string): number | null =>
  supplierNamed(urisOfCertificate(certificate));

/** A serial number in one form: small hexadecimal digits without leading zeros. */
export const serialText = (digits: string): string => digits.toLowerCase().replace(/^0+(?=.)/, "");
