// Signed requests of meters and suppliers: HTTP message signatures (RFC 9421) by the key of the certificate in
// Client-Cert (RFC 9440), with the digest of the body (RFC 9530). Who is meant, an evaluator or the dealer, is signed:
// else it could pass a request on to another one and have the answer that was for the sender. Whether signature and
// digest are right is checked by whoever reads a request: here stands only what has to be signed.
import {
  type InnerList,
  type Item,
  type Parameters,
  parseDictionary,
  parseItem,
  serializeByteSequence,
  serializeInnerList,
} from "structured-headers";
import { type Party, partyName } from "../crypto/party.ts";
import { assert } from "../platform/assert.ts";
import { type Recipient, recipientOf } from "./recipient.ts";

/** Who signs: a party with its certificate and the use of its key. */
export interface Signer {
  readonly party: Party;
  readonly certificateDer: Uint8Array;
  /** ECDSA on P-256 with SHA-256, r and s (IEEE P1363): 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

export interface RequestToSign {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  /** Of a request with a body: its Content-Type at least. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface RequestToRead {
  readonly method: string;
  /** As it was requested. A signed request has no query. */
  readonly path: string;
  /** The value of a header, by its name in small letters; several of one name are joined by commas. */
  readonly headers: (name: string) => string | undefined;
}

/** A signature and what it covers; nothing of it is verified. */
export interface ReadSignature {
  /** Who claims to have signed: the name of a party. */
  readonly keyId: string;
  /** When, in seconds since 1970 UTC. */
  readonly createdS: number;
  readonly recipient: Recipient;
  readonly certificateDer: Uint8Array<ArrayBuffer>;
  /** What the certificate's key must have signed. */
  readonly base: Uint8Array<ArrayBuffer>;
  /** 64 bytes. */
  readonly signature: Uint8Array<ArrayBuffer>;
  /** SHA-256 that the body must have; null when there must be none. */
  readonly contentDigest: Uint8Array<ArrayBuffer> | null;
}

/** The request is not signed as it must be; says what is wrong and what would be right. */
export class SignatureFormatError extends Error {
  override readonly name = "SignatureFormatError";
}

const LABEL = "hw";
const ALGORITHM = "ecdsa-p256-sha256";
const WITHOUT_BODY = ["@method", "@path", "hushwatt-evaluator", "client-cert"] as const;
const WITH_BODY = [...WITHOUT_BODY, "content-type", "content-digest"] as const;
const PARAMETERS = ["created", "keyid", "alg"] as const;
/** List of components, time and key of a Signature-Input as signRequest writes it. */
const CANONICAL_INPUT = new RegExp(
  `^${LABEL}=(\\([^()]*\\));created=(0|[1-9]\\d{0,14});keyid="([A-Za-z0-9._-]+)";alg="${ALGORITHM}"$`,
);
const SIGNATURE_BYTES = 64;
const DIGEST_BYTES = 32;

/** All headers of a request, the given ones too. `recipient` is who gets it, `createdS` seconds since 1970 UTC. */
export async function signRequest(
  request: RequestToSign,
  signer: Signer,
  recipient: Recipient,
  createdS: number,
): Promise<Record<string, string>> {
  const { method, path, body } = request;
  assert(path.startsWith("/") && !path.includes("?"), "a signed request has a path and no query");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
  headers["hushwatt-evaluator"] = String(recipient);
  headers["client-cert"] = serializeByteSequence(bufferOf(signer.certificateDer));
  if (body !== undefined) {
    assert("content-type" in headers, "a body has a media type");
    const digest = await crypto.subtle.digest("SHA-256", bufferOf(body));
    headers["content-digest"] = `sha-256=${serializeByteSequence(digest)}`;
  }
  const parameters: Parameters = new Map<string, string | number>([
    ["created", Math.floor(createdS)],
    ["keyid", partyName(signer.party)],
    ["alg", ALGORITHM],
  ]);
  const names = body === undefined ? WITHOUT_BODY : WITH_BODY;
  const covered: InnerList = [names.map((name): Item => [name, new Map()]), parameters];
  const values = valuesOf(names, { method, path, headers: (name) => headers[name] });
  const signature = await signer.sign(signatureBase(values, covered));
  headers["signature-input"] = `${LABEL}=${serializeInnerList(covered)}`;
  headers.signature = `${LABEL}=${serializeByteSequence(bufferOf(signature))}`;
  return headers;
}

/** Reads the signature of a request, without verifying it. Throws SignatureFormatError. */
export function readSignature(request: RequestToRead): ReadSignature {
  if (request.path.includes("?")) throw new SignatureFormatError("a signed request has no query");
  const names: readonly string[] = hasBody(request) ? WITH_BODY : WITHOUT_BODY;
  return readCanonical(request, names) ?? readStructured(request, names);
}

/** What `signRequest` writes, read without a parser: the way of almost every request. Null for any other form. */
function readCanonical(request: RequestToRead, names: readonly string[]): ReadSignature | null {
  const { headers } = request;
  const input = CANONICAL_INPUT.exec(headers("signature-input") ?? "");
  const signature = bytesIn(headers("signature"), `${LABEL}=:`);
  const certificate = bytesIn(headers("client-cert"), ":");
  const hasDigest = names === WITH_BODY;
  const digest = hasDigest ? bytesIn(headers("content-digest"), "sha-256=:") : null;
  const [, list, created, keyId] = input ?? [];
  const right =
    list === listOf(names) &&
    signature?.length === SIGNATURE_BYTES &&
    certificate !== null &&
    (!hasDigest || digest?.length === DIGEST_BYTES);
  if (!right) return null;
  const values = valuesOf(names, request);
  const lines = names.map((name) => `"${name}": ${values.get(name)}`);
  lines.push(`"@signature-params": ${input![0].slice(LABEL.length + 1)}`);
  return {
    keyId: keyId!,
    createdS: Number(created),
    recipient: recipientIn(values.get("hushwatt-evaluator")!),
    certificateDer: certificate,
    base: new TextEncoder().encode(lines.join("\n")),
    signature,
    contentDigest: digest,
  };
}

const listOf = (names: readonly string[]): string =>
  `(${names.map((name) => `"${name}"`).join(" ")})`;

/**
 * Bytes in base64 between `before` and a colon, in the only form that base64 has for them; null for anything else.
 */
function bytesIn(text: string | undefined, before: string): Uint8Array<ArrayBuffer> | null {
  if (!text?.startsWith(before) || !text.endsWith(":")) return null;
  const digits = text.slice(before.length, -1);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(digits)) return null;
  try {
    const binary = atob(digits);
    if (btoa(binary) !== digits) return null;
    const bytes = new Uint8Array(binary.length);
    return bytes.map((_, i) => binary.charCodeAt(i));
  } catch {
    return null;
  }
}

function readStructured(request: RequestToRead, names: readonly string[]): ReadSignature {
  const covered = onlyMember(request, "signature-input");
  if (!Array.isArray(covered[0])) {
    throw new SignatureFormatError(`Signature-Input: ${LABEL} must be a list of components`);
  }
  const list: InnerList = [covered[0], covered[1]];
  checkComponents(list, names);
  const { created, keyid } = parametersOf(list[1]);
  const [signature, signatureParameters] = onlyMember(request, "signature");
  if (!isBytes(signature, SIGNATURE_BYTES) || signatureParameters.size > 0) {
    const right = `must be ${SIGNATURE_BYTES} bytes (r and s) without parameters`;
    throw new SignatureFormatError(`Signature: ${LABEL} ${right}`);
  }
  const values = valuesOf(names, request);
  return {
    keyId: keyid,
    createdS: created,
    recipient: recipientIn(values.get("hushwatt-evaluator")!),
    certificateDer: certificateIn(values.get("client-cert")!),
    base: signatureBase(values, list),
    signature: new Uint8Array(signature),
    contentDigest: names === WITH_BODY ? digestIn(values.get("content-digest")!) : null,
  };
}

/**
 * The bytes that are signed (RFC 9421, section 2.5): one line per component in the order of the list, then the list.
 */
export function signatureBase(
  values: ReadonlyMap<string, string>,
  covered: InnerList,
): Uint8Array<ArrayBuffer> {
  const lines = covered[0].map(([name]) => `"${name}": ${values.get(String(name))}`);
  lines.push(`"@signature-params": ${serializeInnerList(covered)}`);
  return new TextEncoder().encode(lines.join("\n"));
}

/** What marks a request with a body: such a request must have its digest signed. */
const hasBody = ({ headers }: RequestToRead): boolean =>
  (headers("content-length") ?? "0") !== "0" ||
  ["transfer-encoding", "content-type", "content-digest"].some(
    (name) => headers(name) !== undefined,
  );

/** The components' values. A character that a line of the base must not have is refused. */
function valuesOf(
  names: readonly string[],
  { method, path, headers }: RequestToRead,
): Map<string, string> {
  const values = new Map([
    ["@method", method],
    ["@path", path],
  ]);
  for (const name of names) {
    const value = values.get(name) ?? headers(name)?.trim();
    if (value === undefined) throw new SignatureFormatError(`the header ${name} is missing`);
    if (!/^[\x20-\x7e]+$/.test(value)) {
      throw new SignatureFormatError(`${name} is empty or has characters that are not ASCII`);
    }
    values.set(name, value);
  }
  return values;
}

/** The member of a dictionary header that has no other. */
function onlyMember({ headers }: RequestToRead, name: string): Item | InnerList {
  const text = headers(name);
  if (text === undefined) throw new SignatureFormatError(`the header ${name} is missing`);
  const dictionary = parsed(name, () => parseDictionary(text));
  const member = dictionary.get(LABEL);
  if (member === undefined || dictionary.size > 1) {
    throw new SignatureFormatError(`${name} must have exactly one member, ${LABEL}`);
  }
  return member;
}

function checkComponents([items]: InnerList, names: readonly string[]): void {
  const right = names.map((name) => `"${name}"`).join(" ");
  const alike =
    items.length === names.length &&
    items.every(([name, parameters], i) => name === names[i] && parameters.size === 0);
  if (!alike) throw new SignatureFormatError(`the signature must cover exactly (${right})`);
}

function parametersOf(parameters: Parameters): { created: number; keyid: string } {
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.some((one) => one === name));
  if (unknown !== undefined) {
    const known = PARAMETERS.join(", ");
    throw new SignatureFormatError(`unknown signature parameter ${unknown}; there are ${known}`);
  }
  const [created, keyid, algorithm] = PARAMETERS.map((name) => parameters.get(name));
  if (typeof created !== "number" || !Number.isSafeInteger(created) || created < 0) {
    throw new SignatureFormatError("created must be the time in whole seconds since 1970 UTC");
  }
  if (typeof keyid !== "string" || keyid === "") {
    throw new SignatureFormatError("keyid must be the name of the party that signs");
  }
  if (algorithm !== ALGORITHM) throw new SignatureFormatError(`alg must be "${ALGORITHM}"`);
  return { created, keyid };
}

function recipientIn(text: string): Recipient {
  const recipient = recipientOf(text);
  if (recipient !== null) return recipient;
  throw new SignatureFormatError(
    "hushwatt-evaluator must be the number of an evaluator, or dealer",
  );
}

function certificateIn(text: string): Uint8Array<ArrayBuffer> {
  const [value, parameters] = parsed("client-cert", () => parseItem(text));
  if (value instanceof ArrayBuffer && parameters.size === 0) return new Uint8Array(value);
  throw new SignatureFormatError("client-cert must be a certificate (DER) as :base64:");
}

function digestIn(text: string): Uint8Array<ArrayBuffer> {
  const dictionary = parsed("content-digest", () => parseDictionary(text));
  const [value, parameters] = dictionary.get("sha-256") ?? [];
  if (isBytes(value, DIGEST_BYTES) && parameters?.size === 0 && dictionary.size === 1) {
    return new Uint8Array(value);
  }
  throw new SignatureFormatError("content-digest must be sha-256=:base64: and nothing else");
}

const isBytes = (value: unknown, length: number): value is ArrayBuffer =>
  value instanceof ArrayBuffer && value.byteLength === length;

function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new SignatureFormatError(`${name} is no structured field (RFC 9651)`);
  }
}

/** The bytes on a buffer that is not shared, as the platform's functions want them. */
const bufferOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
