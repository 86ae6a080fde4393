// Puts a result of a clearing together from what evaluators hold of it. They are not trusted: what they send is
// checked
// before it is used, and a result that nobody could have is refused.
import { base64ToArrayBuffer } from "structured-headers";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { signedElements } from "../market/money.ts";
import { assert, InvariantError } from "../platform/assert.ts";
import { messageOf } from "../platform/errors.ts";
import type { Primitives } from "../platform/primitives.ts";
import { expandMask } from "../sharing/masks.ts";
import { InconsistentSharesError } from "../sharing/replicated.ts";
import { evaluatorNames } from "./checks.ts";
import { sameAtAll } from "./dealer-orders.ts";
import type { EvaluatorApi } from "./evaluator-api.ts";
import { layoutOf } from "./prepared-order.ts";
import { type Sharing, sharingOf } from "./sharing.ts";
import { UnavailableError } from "./statements.ts";

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

/** How the answers that shares are in are asked for, and what must be true of each. */
export interface Fetching<T> {
  fetch(api: EvaluatorApi): Promise<T>;
  /** What it is instead of an answer with shares of the result; null when it is right. */
  problemOf(answer: T): string | null;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchedAnswers<T> {
  readonly answers: readonly { readonly evaluator: number; readonly answer: T }[];
  /** Why others of those that hold shares have sent none. */
  readonly problems: readonly string[];
}

/** Answers of all evaluators that hold shares. Throws UnavailableError when they are too few for a result. */
export async function fetchAnswers<T>(
  { tools, market, apis }: Asked,
  holders: readonly number[],
  { fetch, problemOf, signal }: Fetching<T>,
): Promise<FetchedAnswers<T>> {
  const answers: { evaluator: number; answer: T }[] = [];
  const problems: string[] = [];
  const ask = async (api: EvaluatorApi): Promise<void> => {
    const { evaluator } = api;
    try {
      const answer = await fetch(api);
      const problem = problemOf(answer);
      if (problem === null) answers.push({ evaluator, answer });
      else problems.push(`evaluator ${evaluator} sent ${problem}`);
    } catch (error) {
      signal?.throwIfAborted();
      problems.push(messageOf(error));
    }
  };
  await Promise.all(apis.filter(({ evaluator }) => holders.includes(evaluator)).map(ask));
  const { leastShares } = resultSharing(tools, market, null);
  if (answers.length >= leastShares) return { answers, problems };
  const found = `${answers.length} of at least ${leastShares} shares of the result`;
  throw new UnavailableError([found, ...problems].join("; "));
}

export interface FetchedShares {
  readonly held: readonly HeldShare[];
  readonly problems: readonly string[];
}

/** The same for answers of one share each. */
export async function fetchShares<T extends { readonly share: string | null }>(
  asked: Asked,
  holders: readonly number[],
  fetching: Fetching<T>,
): Promise<FetchedShares> {
  const { answers, problems } = await fetchAnswers(asked, holders, {
    ...fetching,
    problemOf: (answer: T) => (answer.share === null ? "no share" : fetching.problemOf(answer)),
  });
  const held = answers.map(({ evaluator, answer }) => heldShare(evaluator, answer.share!));
  return { held, problems };
}

/** A share as evaluators send it, in base64. */
export const heldShare = (evaluator: number, share: string): HeldShare => ({
  evaluator,
  share: bytesOf(share),
});

const bytesOf = (base64: string): Uint8Array => new Uint8Array(base64ToArrayBuffer(base64));

/**
 * What hides consecutive parts of a result, of so many numbers each, from the seed that a dealer gave
 * (DealerApi.resultMask); null for each in a market without one.
 */
export function masksFrom(
  { field, primitives }: Tools,
  seed: Uint8Array | null | undefined,
  lengths: readonly number[],
): (Uint8Array | null)[] {
  if (seed === null || seed === undefined) return lengths.map(() => null);
  const mask = field.alloc(lengths.reduce((sum, length) => sum + length, 0));
  expandMask(field, primitives, seed, mask);
  const bytes = field.toBytes(mask);
  field.free(mask);
  let at = 0;
  return lengths.map((length) => {
    at += ELEMENT_BYTES * length;
    return bytes.subarray(at - ELEMENT_BYTES * length, at);
  });
}

/**
 * The `elements` numbers of a result. `held` has at least `leastShares`; `mask` is what a dealer's result is hidden
 * under. Throws WrongSharesError.
 */
export const putTogether = (
  tools: Tools,
  market: MarketDocument,
  held: readonly HeldShare[],
  elements: number,
  mask: Uint8Array | null = null,
): Promise<number[]> => {
  const sharing = resultSharing(tools, market, mask);
  return combined(tools, sharing, held, elements, (values) => [...tools.field.toNumbers(values)]);
};

/** The same for numbers of either sign, however large. */
export const putTogetherSigned = (
  tools: Tools,
  market: MarketDocument,
  held: readonly HeldShare[],
  elements: number,
  mask: Uint8Array | null = null,
): Promise<bigint[]> =>
  combined(tools, resultSharing(tools, market, mask), held, elements, (values) =>
    signedElements(tools.field.toBytes(values)),
  );

type ResultSharing = Pick<Sharing, "resultBytes" | "leastShares" | "combine">;

/** How results are shared. `mask` is what hides one that is put together with a dealer. */
function resultSharing(
  tools: Tools,
  market: MarketDocument,
  mask: Uint8Array | null,
): ResultSharing {
  if (market.dealer === null) return sharingOf(tools, market.setting, layoutOf(market), null);
  const { field } = tools;
  return {
    resultBytes: ELEMENT_BYTES,
    leastShares: market.setting.parties,
    async combine(_, shares) {
      assert(mask !== null, "a result of a market with a dealer has a mask");
      assert(mask.length === shares[0]!.length, "a mask has as many numbers as the result");
      const [values, masks] = [sameAtAll(field, shares), field.alloc(mask.length / ELEMENT_BYTES)];
      field.setBytes(masks, mask);
      field.add(values, values, masks);
      field.free(masks);
      return values;
    },
  };
}

async function combined<T>(
  tools: Tools,
  sharing: ResultSharing,
  held: readonly HeldShare[],
  elements: number,
  read: (values: Vector) => T,
): Promise<T> {
  const { field } = tools;
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
      return read(values);
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
