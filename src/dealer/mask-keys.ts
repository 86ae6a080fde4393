// The secret of a market's dealer, on its disk, and what it makes of it: the seed of every mask. Nothing else has to be
// kept, so that a dealer may be killed and started again at any moment. Each seed is a pseudorandom function's value
// (HMAC with SHA-256) at a name that says what it is for, so that no two uses share one.
import { createHmac } from "node:crypto";
import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { writeDurably } from "../platform/durable-file.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import type { BodyKind } from "../wire/order-body.ts";

const KEY_BYTES = 32;
const SEED_BYTES = 16;
const OTHERS_MODE_BITS = 0o077;

/** The secret cannot be read, or must not be used; names the file. */
export class MaskKeyError extends Error {
  override readonly name = "MaskKeyError";
}

/** Which row a mask is for: `nonce` is what its meter chose for it, 32 hexadecimal digits. */
export interface RowName {
  readonly kind: BodyKind;
  readonly periodStart: number;
  readonly meter: string;
  readonly nonce: string;
}

/** Which result a mask is for: `party` is the name of the one that is told. */
export interface ResultName {
  readonly kind: BodyKind;
  readonly periodStart: number;
  readonly attempt: number;
  /** The name of the session, fresh for each: no mask of a result ever hides a second one. */
  readonly session: string;
  readonly party: string;
}

/** Makes the secret of a new dealer in a file that only its owner may read. Never replaces one. */
export async function createMaskKey(file: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const text = `${toHex(nodePrimitives.randomBytes(KEY_BYTES))}\n`;
  await writeDurably(file, text, { mode: 0o600, exclusive: true }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new MaskKeyError(
      `there is the secret of a dealer in ${file} already, and it may be in use`,
    );
  });
}

/** Reads the secret of the dealer of a market. Throws MaskKeyError. */
export async function readMaskKeys(file: string, market: string): Promise<MaskKeys> {
  const text = await readFile(file, "utf8").catch(() => {
    const right =
      "hushwatt request dealer makes it; without it, orders that were sent cannot be cleared";
    throw new MaskKeyError(`cannot read the dealer's secret ${file}: ${right}`);
  });
  const { mode } = await stat(file);
  if (process.platform !== "win32" && (mode & OTHERS_MODE_BITS) !== 0) {
    const octal = (mode & 0o777).toString(8);
    throw new MaskKeyError(`${file} may be read by others (mode ${octal}): use chmod 600`);
  }
  if (!/^[0-9a-f]{64}\s*$/.test(text)) {
    throw new MaskKeyError(`${file} is not a dealer's secret: 64 hexadecimal digits`);
  }
  return new MaskKeys(fromHex(text.trim()), market);
}

export class MaskKeys {
  readonly #key: Uint8Array;
  readonly #market: string;

  constructor(key: Uint8Array, market: string) {
    this.#key = key;
    this.#market = market;
  }

  /** The seed of the mask of one row. */
  row({ kind, periodStart, meter, nonce }: RowName): Uint8Array {
    return this.#seed("row", kind, periodStart, meter, nonce);
  }

  /** The seed of the mask of what one party is told after an attempt. */
  result({ kind, periodStart, attempt, session, party }: ResultName): Uint8Array {
    return this.#seed("result", kind, periodStart, attempt, session, party);
  }

  #seed(...name: readonly (string | number)[]): Uint8Array {
    // As JSON, different names are different texts.
    const text = JSON.stringify(["hushwatt mask 1", this.#market, ...name]);
    const value = createHmac("sha256", this.#key).update(text).digest();
    return new Uint8Array(value.subarray(0, SEED_BYTES));
  }
}
