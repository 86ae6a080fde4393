// One-time codes with which meters enrol: handed out on paper or by letter, so short, without letters that look alike,
// and forgiving when typed. Kept as hashes only: who reads the registry cannot enrol with them.
import type { Primitives } from "../platform/primitives.ts";
import { toHex } from "../wire/hex.ts";

/** 32 signs: digits and letters but I, L, O and U (Crockford's base 32). */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Five bits each: 100 bits cannot be guessed. */
const SIGNS = 20;
const GROUP = 4;
const LOOK_ALIKE: ReadonlyMap<string, string> = new Map([
  ["O", "0"],
  ["I", "1"],
  ["L", "1"],
]);

/** A fresh code such as "7K2M-Q0ZD-V4XA-9CTE-HW31". */
export function newCode(primitives: Pick<Primitives, "randomBytes">): string {
  // 256 is a multiple of 32: every sign is equally likely.
  const signs = Array.from(
    primitives.randomBytes(SIGNS),
    (byte) => ALPHABET[byte % ALPHABET.length],
  );
  const groups: string[] = [];
  for (let i = 0; i < SIGNS; i += GROUP) groups.push(signs.slice(i, i + GROUP).join(""));
  return groups.join("-");
}

/**
 * The hash that a code is kept under, whatever its hyphens, spaces and small letters; null when it cannot be a code.
 * Looking up a hash takes a time that tells nothing about the codes there are.
 */
export function codeHash(code: string, primitives: Pick<Primitives, "sha256">): string | null {
  const signs = [...code.toUpperCase().replace(/[\s-]/g, "")]
    .map((sign) => LOOK_ALIKE.get(sign) ?? sign)
    .join("");
  if (signs.length !== SIGNS || ![...signs].every((sign) => ALPHABET.includes(sign))) return null;
  return toHex(primitives.sha256(new TextEncoder().encode(`hushwatt enrolment code ${signs}`)));
}
