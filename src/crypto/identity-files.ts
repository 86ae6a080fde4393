// Identities on disk: a directory that only its owner may enter, with the private key, the
// certificate and the authority's certificate in PEM. What is read back is checked before it is
// used.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CertificateError, type Identity, partyOf } from "./certificates.ts";

const KEY_FILE = "key.pem";
const CERTIFICATE_FILE = "certificate.pem";
const AUTHORITY_FILE = "authority.pem";
const FILES = [KEY_FILE, CERTIFICATE_FILE, AUTHORITY_FILE];
const OTHERS_MODE_BITS = 0o077;

async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  // The mode above only holds for a new file.
  await chmod(path, 0o600);
}

/** Writes `identity` into `dir` (created with mode 0700), each file with mode 0600. */
export async function writeIdentity(dir: string, identity: Identity): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  await writePrivate(join(dir, KEY_FILE), identity.privateKeyPem);
  await writePrivate(join(dir, CERTIFICATE_FILE), identity.certificatePem);
  await writePrivate(join(dir, AUTHORITY_FILE), identity.authorityPem);
}

async function readPem(dir: string, file: string): Promise<string> {
  const path = join(dir, file);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    const reason = code === "ENOENT" ? "the file does not exist" : `it cannot be read (${code})`;
    throw new CertificateError(
      `identity file ${path}: ${reason}; expected ${FILES.join(", ")} in one directory`,
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
