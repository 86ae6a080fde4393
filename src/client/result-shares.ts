// Puts a result of a clearing together from what evaluators hold of it. They are not trusted: what they send is checked
// before it is used, and a result that nobody could have is refused.
import { base64ToArrayBuffer } from "structured-headers";
import type { Field } from "../field/field.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { InvariantError } from "../platform/assert.ts";
import { messageOf } from "../platform/errors.ts";
import type { Primitives } from "../platform/primitives.ts";
import { InconsistentSharesError } from "../sharing/replicated.ts";
import type { Decision } from "../wire/records.ts";
import { evaluatorNames } from "./checks.ts";
import { UnavailableError } from "./decisions.ts";
import type { EvaluatorApi } from "./evaluator-api.ts";
import { layoutOf } from "./prepared-order.ts";
import { sharingOf } from "./sharing.ts";

export interface HeldShare {
  readonly evaluator: number;
  readonly share: Uint8Array;
}

/** Shares do not fit together: somebody has sent something else than it computed. */
export class WrongSharesError extends Error {
  override readonly name = "WrongSharesError";
}

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

interface Asked {
  readonly tools: Tools;
  readonly market: MarketDocument;
  readonly apis: readonly EvaluatorApi[];
}

/** How the shares of one result are asked for, and what must be true of each. */
export interface ShareFetching<T extends { readonly share: string | null }> {
  fetch(api: EvaluatorApi): Promise<T>;
  /** What it is instead of a share of the result; null when it is right. */
  problemOf(answer: T): string | null;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchedShares {
  readonly held: readonly HeldShare[];
  /** Why others of those that computed have sent none. */
  readonly problems: readonly string[];
}

/** Shares from all evaluators that computed. Throws UnavailableError when they are too few for a result. */
export async function fetchShares<T extends { readonly share: string | null }>(
  { tools, market, apis }: Asked,
  { active }: Decision,
  { fetch, problemOf, signal }: ShareFetching<T>,
): Promise<FetchedShares> {
  const held: HeldShare[] = [];
  const problems: string[] = [];
  const asked = apis.filter(({ evaluator }) => active.includes(evaluator));
  const ask = async (api: EvaluatorApi): Promise<void> => {
    try {
      const answer = await fetch(api);
      const problem = answer.share === null ? "no share" : problemOf(answer);
      if (problem !== null) problems.push(`evaluator ${api.evaluator} sent ${problem}`);
      else held.push({ evaluator: api.evaluator, share: bytesOf(answer.share!) });
    } catch (error) {
      signal?.throwIfAborted();
      problems.push(messageOf(error));
    }
  };
  await Promise.all(asked.map(ask));
  const { leastShares } = sharingOf(tools, market.setting, layoutOf(market), null);
  if (held.length >= leastShares) return { held, problems };
  const found = `${held.length} of at least ${leastShares} shares of the result`;
  throw new UnavailableError([found, ...problems].join("; "));
}

const bytesOf = (base64: string): Uint8Array => new Uint8Array(base64ToArrayBuffer(base64));

/** The `elements` numbers of a result. `held` has at least `leastShares`. Throws WrongSharesError. */
export async function putTogether(
  tools: Tools,
  market: MarketDocument,
  held: readonly HeldShare[],
  elements: number,
): Promise<number[]> {
  const { field } = tools;
  const sharing = sharingOf(tools, market.setting, layoutOf(market), null);
  const sorted = held.toSorted((a, b) => a.evaluator - b.evaluator);
  const numbers = sorted.map(({ evaluator }) => evaluator);
  for (const { evaluator, share } of sorted) {
    if (share.length !== elements * sharing.resultBytes || !isCanonical(field, share)) {
      throw new WrongSharesError(`evaluator ${evaluator} sent something that is no share`);
    }
  }
  try {
    const values = await sharing.combine(
      numbers,
      sorted.map(({ share }) => share),
    );
    try {
      return [...field.toNumbers(values)];
    } finally {
      field.free(values);
    }
  } catch (error) {
    if (error instanceof InconsistentSharesError) throw new WrongSharesError(error.message);
    if (!(error instanceof InvariantError)) throw error;
    const who = evaluatorNames(numbers);
    throw new WrongSharesError(`the shares that ${who} sent make no energy`);
  }
}

function isCanonical(field: Field, share: Uint8Array): boolean {
  const vector = field.alloc(share.length / 8);
  field.setBytes(vector, share);
  const canonical = field.isCanonical(vector);
  field.free(vector);
  return canonical;
}
