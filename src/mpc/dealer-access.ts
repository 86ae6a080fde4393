// An evaluator's side of the link to a dealer (sharing/dealer.ts says what is dealt).
import type { Link } from "../channel/channel.ts";
import { receiveBytes, sendBytes } from "../channel/long-messages.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import type { Primitives } from "../platform/primitives.ts";
import { correctionsLength, type MaterialKind, type ShuffleRequest } from "../sharing/dealer.ts";
import {
  type AttemptRequest,
  type ClosingRequest,
  DEALER_TAGS,
  type DealerRequest,
  type FirstRequest,
  MASK_NAME_BYTES,
  MATERIAL_AT_ONCE,
  MOVES_PER_METER,
  SESSION_BYTES,
  SESSION_SEED_BYTES,
} from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";

/** Sends requests over a link, and receives their answers. */
export class DealerLink {
  private readonly link: Link;
  private asked = 0;

  constructor(link: Link) {
    this.link = link;
  }

  /** The answer, of a length that both sides know. Requests may overlap. */
  ask(request: DealerRequest | FirstRequest, answerBytes: number): Promise<Uint8Array> {
    const tag = DEALER_TAGS.answers + this.asked++;
    const answer = receiveBytes(this.link, tag, answerBytes);
    answer.catch(() => {}); // Whoever needs it awaits it, perhaps much later.
    this.link.send(DEALER_TAGS.requests, new TextEncoder().encode(JSON.stringify(request)));
    return answer;
  }
}

/** What an engine needs of the dealer. */
export interface DealerAccess {
  /** Stands for this evaluator's shares of everything that is dealt in the session. */
  readonly seed: Uint8Array;
  /** What hides rows that meters send, and what they are told. */
  readonly masks: { readonly rows: MaterialKind; readonly results: MaterialKind };
  /** Corrections of the next MATERIAL_AT_ONCE elements of a kind: for evaluator 0, the same of no other. */
  corrections(kind: MaterialKind): Promise<Uint8Array>;
  shuffleCorrections(request: ShuffleRequest): Promise<Uint8Array>;
}

/** Joins a session of the dealer at the other end of `link`, which each evaluator may do once. */
export async function joinDealing(link: Link, session: string): Promise<DealerAccess> {
  const dealer = new DealerLink(link);
  const seed = await dealer.ask({ type: "join", session }, SESSION_SEED_BYTES);
  return accessOver(dealer, seed, { rows: "inputs", results: "outputs" });
}

/** An attempt of a market, and the names of its rows' masks. */
export interface AttemptRows extends Omit<AttemptRequest, "type" | "count" | "digest"> {
  /** MASK_NAME_BYTES for each row, in the order of meters. */
  readonly names: Uint8Array;
}

/** An attempt's session: its name at the dealer, by which results are unmasked later. */
export interface JoinedAttempt {
  readonly session: string;
  readonly access: DealerAccess;
}

/**
 * Joins the session of an attempt at the market's dealer, which each evaluator may do once; evaluator 0 (`isFirst`)
 * tells it the names. Resolves when all evaluators have named the same rows.
 */
export async function joinAttempt(
  link: Link,
  { sha256 }: Pick<Primitives, "sha256">,
  { names, ...attempt }: AttemptRows,
  isFirst: boolean,
): Promise<JoinedAttempt> {
  const dealer = new DealerLink(link);
  const [count, digest] = [names.length / MASK_NAME_BYTES, toHex(sha256(names))];
  const request = { type: "attempt", ...attempt, count, digest } as const;
  const [session, seed] = await begin(dealer, link, request, SESSION_SEED_BYTES, names, isFirst);
  return { session, access: accessOver(dealer, seed, { rows: "rows", results: "results" }) };
}

/** A month that is closed, and its names (wire/month-names.ts). */
export interface ClosingNames extends Omit<ClosingRequest, "type" | "digest"> {
  readonly names: Uint8Array;
}

/**
 * The same for the closing of a month with so many suppliers: `moves` turn the sums that evaluators hold into what is
 * hidden under masks that those know who may learn them (dealer/month-moves.ts).
 */
export async function joinClosing(
  link: Link,
  { sha256 }: Pick<Primitives, "sha256">,
  { names, ...closing }: ClosingNames,
  suppliers: number,
  isFirst: boolean,
): Promise<{ readonly session: string; readonly moves: Uint8Array }> {
  const dealer = new DealerLink(link);
  const request = { type: "closing", ...closing, digest: toHex(sha256(names)) } as const;
  const bytes = ELEMENT_BYTES * (closing.meters * MOVES_PER_METER + suppliers);
  const [session, moves] = await begin(dealer, link, request, bytes, names, isFirst);
  return { session, moves };
}

/** The session's name, and what comes with it. */
async function begin(
  dealer: DealerLink,
  link: Link,
  request: FirstRequest,
  answerBytes: number,
  names: Uint8Array,
  isFirst: boolean,
): Promise<readonly [string, Uint8Array]> {
  const answer = dealer.ask(request, SESSION_BYTES + answerBytes);
  if (isFirst) await sendBytes(link, DEALER_TAGS.rows, names);
  const bytes = await answer;
  return [toHex(bytes.subarray(0, SESSION_BYTES)), bytes.slice(SESSION_BYTES)];
}

function accessOver(
  dealer: DealerLink,
  seed: Uint8Array,
  masks: DealerAccess["masks"],
): DealerAccess {
  return {
    seed,
    masks,
    corrections(kind) {
      const length = correctionsLength(kind, MATERIAL_AT_ONCE);
      return dealer.ask({ type: "material", kind }, ELEMENT_BYTES * length);
    },
    shuffleCorrections(request) {
      const length = correctionsLength("shuffle", request.columns * request.length);
      return dealer.ask({ type: "shuffle", ...request }, ELEMENT_BYTES * length);
    },
  };
}
