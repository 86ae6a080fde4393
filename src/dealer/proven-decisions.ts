// Decisions that meters and suppliers show, to be told what their results are hidden under: believed when a majority of
// the evaluators has signed them. Until then an evaluator could let somebody see the result of an attempt that fails.
import type { PartyVerifier } from "../crypto/party-verifier.ts";
import type { MarketDocument } from "../market/market-document.ts";
import type { Clock } from "../platform/clock.ts";
import type { Primitives } from "../platform/primitives.ts";
import { isSignedBy } from "../service/evaluator-signatures.ts";
import { provenDecisionSchema } from "../wire/dealer-records.ts";
import { toHex } from "../wire/hex.ts";
import { ProblemError } from "../wire/problems.ts";
import { type Decision, decisionBytes } from "../wire/records.ts";

export interface ProofContext {
  readonly market: MarketDocument;
  readonly verifier: PartyVerifier;
  readonly clock: Clock;
  readonly primitives: Pick<Primitives, "sha256">;
}

/** What is used of a decision by which something was cleared. */
export type ClearedSession = Pick<Decision, "period" | "attempt" | "revealedSuppliers"> & {
  readonly session: string;
};

/** Decisions that were found right: all meters of a period show the same one. */
const MOST_REMEMBERED = 64;

export class ProvenDecisions {
  readonly #context: ProofContext;
  readonly #known = new Map<string, ClearedSession>();

  constructor(context: ProofContext) {
    this.#context = context;
  }

  /** The session in which the period of a decision was cleared. Throws ProblemError. */
  sessionOf(body: Uint8Array, period: string): ClearedSession {
    const digest = toHex(this.#context.primitives.sha256(body));
    const session = this.#known.get(digest) ?? this.#read(body);
    if (session.period !== period) {
      throw new ProblemError("wrong-period", `the decision is about ${session.period}`);
    }
    this.#known.delete(digest);
    this.#known.set(digest, session);
    if (this.#known.size > MOST_REMEMBERED) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return session;
  }

  #read(body: Uint8Array): ClearedSession {
    const { market, verifier, clock } = this.#context;
    const parsed = provenDecisionSchema.safeParse(jsonOf(body));
    if (!parsed.success) {
      throw new ProblemError("malformed-request", "the body is no decision with its signatures");
    }
    const { decision, signatures } = parsed.data;
    if (decision.market !== market.id) {
      throw new ProblemError("wrong-market", `this is the market ${market.id}`);
    }
    const bytes = decisionBytes(decision);
    const signers = new Set<number>();
    for (const { evaluator, certificate, signature } of signatures) {
      if (evaluator >= market.evaluators.length || signers.has(evaluator)) continue;
      const signed = { evaluator, certificate, signature: Buffer.from(signature, "base64") };
      if (isSignedBy(verifier, signed, bytes, clock.utcMs())) signers.add(evaluator);
    }
    const majority = (market.evaluators.length >> 1) + 1;
    if (signers.size < majority) {
      const found = `${signers.size} of at least ${majority} signatures of evaluators are right`;
      throw new ProblemError("not-decided", found);
    }
    const { period, outcome, attempt, revealedSuppliers, dealing } = decision;
    if (outcome === "void" || dealing === undefined) {
      throw new ProblemError("period-void", `by this decision nothing of ${period} was cleared`);
    }
    return { period, attempt, revealedSuppliers, session: dealing };
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
