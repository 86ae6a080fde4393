// Whom a signed request is for: an evaluator by its number, or the dealer.
import { MAX_PARTIES } from "./setting.ts";

export type Recipient = number | "dealer";

/** In words. */
export const recipientName = (recipient: Recipient): string =>
  recipient === "dealer" ? "the dealer" : `evaluator ${recipient}`;

/** The one that a header names; null when it names none. */
export function recipientOf(text: string): Recipient | null {
  if (text === "dealer") return text;
  const evaluator = /^(0|[1-9]\d?)$/.test(text) ? Number(text) : MAX_PARTIES;
  return evaluator < MAX_PARTIES ? evaluator : null;
}
