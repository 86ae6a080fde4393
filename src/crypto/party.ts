// The parties of a market and the names they go by in certificates and on links.

export const PARTY_ROLES = [
  "evaluator",
  "dealer",
  "meter",
  "supplier",
  "operator",
  "registrar",
] as const;
export type PartyRole = (typeof PARTY_ROLES)[number];

export const isRole = (word: string | undefined): word is PartyRole =>
  PARTY_ROLES.some((role) => role === word);

export interface Party {
  readonly role: PartyRole;
  /** Unique within the role: letters, digits, ".", "_" and "-", at most 48 characters. */
  readonly id: string;
}

const URI_PATTERN = /^urn:hushwatt:([a-z]+):([A-Za-z0-9][A-Za-z0-9._-]{0,47})$/;

/** The name of a party in messages and on links, e.g. "evaluator-1". */
export function partyName(party: Party): string {
  return `${party.role}-${party.id}`;
}

/** The party of a name as partyName gives it, or null. */
export function partyFromName(name: string): Party | null {
  const at = name.indexOf("-");
  return partyFromUri(`urn:hushwatt:${name.slice(0, at)}:${name.slice(at + 1)}`);
}

/** The name of a party in its certificate, e.g. "urn:hushwatt:evaluator:1". */
export function partyUri(party: Party): string {
  return `urn:hushwatt:${party.role}:${party.id}`;
}

/** The party that a URI names, or null when it names none. The inverse of partyUri. */
export function partyFromUri(uri: string): Party | null {
  const match = URI_PATTERN.exec(uri);
  const role = match?.[1];
  const id = match?.[2];
  return isRole(role) && id !== undefined ? { role, id } : null;
}

export function sameParty(one: Party, other: Party): boolean {
  return one.role === other.role && one.id === other.id;
}
