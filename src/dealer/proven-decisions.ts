// Decisions that meters and suppliers show, to be told what their results are hidden under: believed when a majority of
// the evaluators has signed them. Until then an evaluator could let somebody see the result of an attempt that fails.
import type { PartyVerifier } from "../crypto/party-verifier.ts";
import type { MarketDocument } from "../market/market-document.ts";
import type { Clock } from "../platform/clock.ts";
import type { Primitives } from "../platform/primitives.ts";
import { isSignedBy } from "../service/evaluator-signatures.ts";
import {
  provenClosingSchema,
  provenDecisionSchema,
  provenSettlementSchema,
} from "../wire/dealer-records.ts";
import { toHex } from "../wire/hex.ts";
import { ProblemError } from "../wire/problems.ts";
import { decisionBytes, type SignedDecision } from "../wire/records.ts";
import { closingBytes, settlementBytes } from "../wire/settlement-records.ts";

export interface ProofContext {
  readonly market: MarketDocument;
  readonly verifier: PartyVerifier;
  readonly clock: Clock;
  readonly primitives: Pick<Primitives, "sha256">;
}

/** What is used of a decision: about what it is, its session, and which suppliers it tells something. */
export interface ProvenSession {
  /** The period or month, as text. */
  readonly about: string;
  readonly attempt: number;
  readonly session: string;
  readonly told: readonly boolean[];
}

/** What may be shown: the clearing of a period, its settlement, the closing of a month. */
export type ProvenKind = "clearing" | "settlement" | "closing";

interface Shown {
  readonly market: string;
  /** What is signed. */
  readonly bytes: Uint8Array;
  readonly signatures: SignedDecision["signatures"];
  readonly session: Omit<ProvenSession, "session"> & { readonly session: string | undefined };
}

/** Decisions that were found right: all meters of a period show the same one. */
const MOST_REMEMBERED = 64;

export class ProvenDecisions {
  readonly #context: ProofContext;
  readonly #known = new Map<string, ProvenSession>();

  constructor(context: ProofContext) {
    this.#context = context;
  }

  /** The session that led to the decision in `body`, which is about that period or month. Throws ProblemError. */
  sessionOf(kind: ProvenKind, body: Uint8Array, about: string): ProvenSession {
    const digest = `${kind} ${toHex(this.#context.primitives.sha256(body))}`;
    const session = this.#known.get(digest) ?? this.#read(kind, body);
    if (session.about !== about) {
      throw new ProblemError("wrong-period", `the ${kind} is about ${session.about}`);
    }
    this.#known.delete(digest);
    this.#known.set(digest, session);
    if (this.#known.size > MOST_REMEMBERED) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return session;
  }

  #read(kind: ProvenKind, body: Uint8Array): ProvenSession {
    const { market, verifier, clock } = this.#context;
    const shown = READERS[kind](jsonOf(body));
    if (shown === null) {
      throw new ProblemError("malformed-request", `the body is no ${kind} with its signatures`);
    }
    if (shown.market !== market.id) {
      throw new ProblemError("wrong-market", `this is the market ${market.id}`);
    }
    const signers = new Set<number>();
    for (const { evaluator, certificate, signature } of shown.signatures) {
      if (evaluator >= market.evaluators.length || signers.has(evaluator)) continue;
      const signed = { evaluator, certificate, signature: Buffer.from(signature, "base64") };
      if (isSignedBy(verifier, signed, shown.bytes, clock.utcMs())) signers.add(evaluator);
    }
    const majority = (market.evaluators.length >> 1) + 1;
    if (signers.size < majority) {
      const found = `${signers.size} of at least ${majority} signatures of evaluators are right`;
      throw new ProblemError("not-decided", found);
    }
    const { session, about } = shown.session;
    if (session !== undefined) return { ...shown.session, session };
    throw new ProblemError("period-void", `by this ${kind} nothing of ${about} was computed`);
  }
}

/** What a body shows; null when it is something else. */
const READERS: Readonly<Record<ProvenKind, (json: unknown) => Shown | null>> = {
  clearing(json) {
    const parsed = provenDecisionSchema.safeParse(json);
    if (!parsed.success) return null;
    const { decision, signatures } = parsed.data;
    const { market, period, attempt, dealing, revealedSuppliers } = decision;
    const session = { about: period, attempt, session: dealing, told: revealedSuppliers };
    return { market, bytes: decisionBytes(decision), signatures, session };
  },
  settlement(json) {
    const parsed = provenSettlementSchema.safeParse(json);
    if (!parsed.success) return null;
    const { settlement, signatures } = parsed.data;
    const { market, period, attempt, dealing, revealedSuppliers, revealedPositions } = settlement;
    const told = revealedSuppliers.map((may, k) => may || revealedPositions[k] === true);
    const session = { about: period, attempt, session: dealing, told };
    return { market, bytes: settlementBytes(settlement), signatures, session };
  },
  closing(json) {
    const parsed = provenClosingSchema.safeParse(json);
    if (!parsed.success) return null;
    const { closing, signatures } = parsed.data;
    const { market, month, attempt, dealing, revealedPositions } = closing;
    // Every supplier learns what its customers owe. The mask of a position that is not told hides nothing.
    const session = {
      about: month,
      attempt,
      session: dealing,
      told: revealedPositions.map(() => true),
    };
    return { market, bytes: closingBytes(closing), signatures, session };
  },
};

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
