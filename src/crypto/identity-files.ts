// Identities on disk: a directory that only its owner may enter, with the private key, the
// certificate and the authority's certificate in PEM. What is read back is checked before it is
// used. The authority's own key is kept in the same way.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { access, chmod, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../platform/durable-file.ts";
import {
  type Authority,
  type AuthorityKey,
  authorityOf,
  CertificateError,
  type Identity,
  type KeyAndRequest,
  partyOf,
} from "./certificates.ts";

const KEY_FILE = "key.pem";
const CERTIFICATE_FILE = "certificate.pem";
export const AUTHORITY_FILE = "authority.pem";
const REQUEST_FILE = "request.pem";
const AUTHORITY_KEY_FILE = "authority-key.pem";
const FILES = [KEY_FILE, CERTIFICATE_FILE, AUTHORITY_FILE];
const OTHERS_MODE_BITS = 0o077;

const OWNER_ONLY = { mode: 0o600 };
/** A key that is there may be in use: it is never replaced. */
const NEW_KEY = { ...OWNER_ONLY, exclusive: true };

const writePrivate = (path: string, text: string): Promise<void> =>
  writeDurably(path, text, OWNER_ONLY);

/** Writes `identity` into `dir` (created with mode 0700), each file with mode 0600. */
export async function writeIdentity(dir: string, identity: Identity): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  await writePrivate(join(dir, KEY_FILE), identity.privateKeyPem);
  await writePrivate(join(dir, CERTIFICATE_FILE), identity.certificatePem);
  await writePrivate(join(dir, AUTHORITY_FILE), identity.authorityPem);
}

/**
 * Writes a fresh key and its request into `dir` (created with mode 0700). Returns the path of the request. Throws
 * CertificateError when there is a key already: it may be in use, and would be lost.
 */
export async function writeKeyAndRequest(dir: string, made: KeyAndRequest): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const keyPath = join(dir, KEY_FILE);
  const taken = new CertificateError(
    `there is a private key in ${keyPath} already: choose another folder`,
  );
  if (await hasKey(dir)) throw taken;
  const requestPath = join(dir, REQUEST_FILE);
  // The key comes last: where there is one, there is its request too, and where it is missing both can be made anew.
  await writePrivate(requestPath, made.requestPem);
  await writeDurably(keyPath, made.privateKeyPem, NEW_KEY).catch((error) => {
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? taken : error;
  });
  return requestPath;
}

/** Whether there is a private key in `dir`, with its request. */
export const hasKey = (dir: string): Promise<boolean> =>
  access(join(dir, KEY_FILE)).then(
    () => true,
    () => false,
  );

/** The request beside the key in `dir`. Throws CertificateError when there is none. */
export const readRequestAt = (dir: string): Promise<string> =>
  readPem(dir, REQUEST_FILE, [KEY_FILE, REQUEST_FILE]);

/** Puts the certificate that was issued for the key in `dir` beside it, and checks that they belong together. */
export async function installCertificate(
  dir: string,
  issued: Pick<Identity, "certificatePem" | "authorityPem">,
): Promise<Identity> {
  await writePrivate(join(dir, CERTIFICATE_FILE), issued.certificatePem);
  await writePrivate(join(dir, AUTHORITY_FILE), issued.authorityPem);
  return readIdentity(dir);
}

/** Writes an authority's key and certificate into `dir` (created with mode 0700), never over another key. */
export async function writeAuthority(dir: string, key: AuthorityKey): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  await writeDurably(join(dir, AUTHORITY_KEY_FILE), key.privateKeyPem, NEW_KEY);
  await writeDurably(join(dir, AUTHORITY_FILE), key.certificatePem, NEW_KEY);
}

/**
 * The authority whose key is in `dir`. Throws CertificateError naming the file when one is missing, malformed or
 * readable by others, or when they do not belong together.
 */
export async function loadAuthority(dir: string): Promise<Authority> {
  const files = [AUTHORITY_KEY_FILE, AUTHORITY_FILE];
  const privateKeyPem = await readPem(dir, AUTHORITY_KEY_FILE, files);
  const certificatePem = await readPem(dir, AUTHORITY_FILE, files);
  const [keyPath, certificatePath] = [join(dir, AUTHORITY_KEY_FILE), join(dir, AUTHORITY_FILE)];
  await checkKeyIsPrivate(keyPath);
  const key = parse(keyPath, "a private key", () => createPrivateKey(privateKeyPem));
  const certificate = parse(
    certificatePath,
    "a certificate",
    () => new X509Certificate(certificatePem),
  );
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(`private key ${keyPath} is not that of ${certificatePath}`);
  }
  return authorityOf({ privateKeyPem, certificatePem });
}

async function readPem(dir: string, file: string, files = FILES): Promise<string> {
  const path = join(dir, file);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    const reason = code === "ENOENT" ? "the file does not exist" : `it cannot be read (${code})`;
    throw new CertificateError(
      `identity file ${path}: ${reason}; expected ${files.join(", ")} in one directory`,
    );
  }
}

async function checkKeyIsPrivate(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const { mode } = await stat(path);
  if ((mode & OTHERS_MODE_BITS) !== 0) {
    const octal = (mode & 0o777).toString(8);
    throw new CertificateError(
      `private key ${path} may be read by others (mode ${octal}): use chmod 600`,
    );
  }
}

function parse<Value>(path: string, kind: string, make: () => Value): Value {
  try {
    return make();
  } catch {
    throw new CertificateError(`identity file ${path} does not hold ${kind} in PEM`);
  }
}

/**
 * Reads the identity in `dir` and checks that its parts belong together. Throws CertificateError
 * naming the file when one is missing, malformed or readable by others, when the certificate names
 * no party or is not signed by the authority, or when the key is not the certificate's.
 */
export async function readIdentity(dir: string): Promise<Identity> {
  const privateKeyPem = await readPem(dir, KEY_FILE);
  const certificatePem = await readPem(dir, CERTIFICATE_FILE);
  const authorityPem = await readPem(dir, AUTHORITY_FILE);
  const [keyPath, certificatePath, authorityPath] = [
    join(dir, KEY_FILE),
    join(dir, CERTIFICATE_FILE),
    join(dir, AUTHORITY_FILE),
  ];
  await checkKeyIsPrivate(keyPath);
  const key = parse(keyPath, "a private key", () => createPrivateKey(privateKeyPem));
  const certificate = parse(
    certificatePath,
    "a certificate",
    () => new X509Certificate(certificatePem),
  );
  const authority = parse(authorityPath, "a certificate", () => new X509Certificate(authorityPem));
  const party = partyOf(certificatePem);
  if (party === null) {
    throw new CertificateError(`certificate ${certificatePath} names no party of a market`);
  }
  if (!certificate.verify(authority.publicKey)) {
    throw new CertificateError(
      `certificate ${certificatePath} is not signed by the authority in ${authorityPath}`,
    );
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(`private key ${keyPath} is not that of ${certificatePath}`);
  }
  return { party, privateKeyPem, certificatePem, authorityPem };
}
