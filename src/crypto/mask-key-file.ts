// The secret of a market's dealer on its disk: made where it is used, in a file that only its owner may read.
import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { writeDurably } from "../platform/durable-file.ts";
import { CertificateError } from "./certificate-error.ts";
import { nodePrimitives } from "./node-primitives.ts";

/** Its name in the dealer's folder. */
export const MASK_KEY_FILE = "masks.key";

const KEY_BYTES = 32;
const OTHERS_MODE_BITS = 0o077;

/** Makes the secret of a new dealer. Never replaces one: throws CertificateError. */
export async function createMaskKey(file: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const text = `${Buffer.from(nodePrimitives.randomBytes(KEY_BYTES)).toString("hex")}\n`;
  await writeDurably(file, text, { mode: 0o600, exclusive: true }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new CertificateError(`there is a dealer's secret in ${file} already: it may be in use`);
  });
}

/** Reads the secret. Throws CertificateError naming the file when it is missing, malformed, or readable by others. */
export async function readMaskKey(file: string): Promise<Uint8Array> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "the file does not exist" : `error ${error.code}`;
    const right = "hushwatt request dealer makes one";
    throw new CertificateError(`the dealer's secret ${file} cannot be read (${reason}): ${right}`);
  });
  const { mode } = await stat(file);
  if (process.platform !== "win32" && (mode & OTHERS_MODE_BITS) !== 0) {
    const octal = (mode & 0o777).toString(8);
    throw new CertificateError(`${file} may be read by others (mode ${octal}): use chmod 600`);
  }
  if (/^[0-9a-f]{64}\s*$/.test(text)) return new Uint8Array(Buffer.from(text.trim(), "hex"));
  throw new CertificateError(`${file} is no dealer's secret: it has 64 hexadecimal digits`);
}
