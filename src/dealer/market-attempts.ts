// The sessions of a market's dealer: one for each attempt of the evaluators at computing something on rows, or at
// closing a month. It begins when all of them have named the same, and lasts as long as their links. Nothing of it has
// to outlive this process: an attempt that was broken off is followed by another one, whose session has a fresh name
// and fresh masks of results.
import type { Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { MarketDocument } from "../market/market-document.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import type { MarketClock } from "../platform/market-clock.ts";
import type { Primitives } from "../platform/primitives.ts";
import { Dealing } from "../sharing/dealer.ts";
import {
  type AttemptRequest,
  type DealerRequest,
  type FirstRequest,
  SESSION_BYTES,
  SESSION_SEED_BYTES,
} from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";
import { decodeMonthNames } from "../wire/month-names.ts";
import { textOfPeriod } from "../wire/records.ts";
import { attemptMasks } from "./attempt-masks.ts";
import { namesProblem, requestProblem } from "./attempt-problems.ts";
import { correctionsFor, RefusedError } from "./corrections.ts";
import type { MaskKeys } from "./mask-keys.ts";
import { monthMoves } from "./month-moves.ts";

export interface AttemptsContext {
  readonly market: MarketDocument;
  readonly marketClock: MarketClock;
  readonly clock: Clock;
  readonly field: Field;
  readonly primitives: Primitives;
  readonly keys: MaskKeys;
  /** How many numbers a row has, by what it is. */
  readonly widths: Readonly<Record<AttemptRequest["kind"], number>>;
  /** Told when an attempt is dealt, or comes to nothing. */
  readonly onAttempt: (what: string, attempt: Record<string, unknown>) => void;
  /** How long the evaluators of an attempt may take to join. */
  readonly joinMs?: number;
}

/** What one evaluator gets of an attempt. */
export interface JoinedAttempt {
  /** The session's name, the same for all. */
  readonly session: Uint8Array;
  /** This evaluator's seed; or, where a month is closed, the moves of its masks (month-moves.ts). */
  readonly answer: Uint8Array;
  /** For evaluator 0: what it asks for next. Throws RefusedError. */
  readonly corrections: (request: DealerRequest) => Uint8Array;
}

interface Joiner {
  readonly link: Link;
  readonly joined: PromiseWithResolvers<JoinedAttempt>;
}

/** An attempt whose evaluators are arriving. */
interface Gathering {
  readonly request: FirstRequest;
  readonly joiners: Map<number, Joiner>;
  names: Uint8Array | null;
  readonly cancelTimer: () => void;
}

const JOIN_MS = 10_000;
/** Attempts that gather, and subjects of which the last attempt is remembered. */
const MOST_GATHERING = 16;
const MOST_REMEMBERED = 4_096;

export class MarketAttempts {
  readonly #context: AttemptsContext;
  readonly #gathering = new Map<string, Gathering>();
  /** By subject the last attempt that was dealt: no attempt has a second session, and none follows a later one. */
  readonly #spent = new Map<string, number>();
  /** By subject the links of the last attempt that was dealt. */
  readonly #links = new Map<string, Set<Link>>();

  constructor(context: AttemptsContext) {
    this.#context = context;
  }

  /**
   * Joins the session of an attempt as that evaluator, which ends with its link. Resolves when all have joined; rejects
   * with RefusedError.
   */
  async join(link: Link, evaluator: number, request: FirstRequest): Promise<JoinedAttempt> {
    this.#check(evaluator, request);
    const subject = subjectOf(request);
    const gathering = this.#gatheringFor(subject, request);
    if (!sameAttempt(gathering.request, request)) {
      const found = `evaluator-${evaluator} names another set of rows than the others`;
      this.#fail(gathering, found);
      throw new RefusedError(found);
    }
    if (gathering.joiners.has(evaluator)) {
      throw new RefusedError(`evaluator-${evaluator} has joined this attempt`);
    }
    const joined = Promise.withResolvers<JoinedAttempt>();
    gathering.joiners.set(evaluator, { link, joined });
    void link.whenEnded().then(() => {
      if (this.#gathering.get(subject) !== gathering) return;
      this.#fail(gathering, `evaluator-${evaluator} has gone`);
    });
    this.#dealIfComplete(gathering);
    return joined.promise;
  }

  /** Takes the names of an attempt's rows, which evaluator 0 sends. Throws RefusedError when they are others. */
  name(request: FirstRequest, names: Uint8Array): void {
    const gathering = this.#gathering.get(subjectOf(request));
    if (gathering === undefined || gathering.request.attempt !== request.attempt) return;
    const wrong = this.#problemOf(request, names);
    if (wrong !== null) {
      this.#fail(gathering, wrong);
      throw new RefusedError(wrong);
    }
    gathering.names = names;
    this.#dealIfComplete(gathering);
  }

  #check(evaluator: number, request: FirstRequest): void {
    const { market, marketClock } = this.#context;
    if (evaluator >= market.evaluators.length) {
      throw new RefusedError(`the market has no evaluator ${evaluator}`);
    }
    const skewS = LIMITS.clockSkewMs / 1000;
    const problem = requestProblem(market, request, marketClock.nowS() + skewS);
    if (problem !== null) throw new RefusedError(problem);
    const spent = this.#spent.get(subjectOf(request)) ?? 0;
    if (request.attempt <= spent) {
      throw new RefusedError(`attempt ${request.attempt} is over: the last one was ${spent}`);
    }
  }

  /** The attempt that gathers; a later one ends those before it. */
  #gatheringFor(subject: string, request: FirstRequest): Gathering {
    const known = this.#gathering.get(subject);
    if (known?.request.attempt === request.attempt) return known;
    if (known !== undefined && known.request.attempt > request.attempt) {
      throw new RefusedError(`attempt ${known.request.attempt} has begun`);
    }
    if (known !== undefined) this.#fail(known, "a later attempt has begun");
    if (this.#gathering.size >= MOST_GATHERING) {
      throw new RefusedError("too many attempts wait for evaluators");
    }
    const { clock, joinMs = JOIN_MS } = this.#context;
    const gathering: Gathering = {
      request,
      joiners: new Map(),
      names: null,
      cancelTimer: clock.timer(joinMs, () => {
        this.#fail(gathering, "not all evaluators have joined in time");
      }),
    };
    this.#gathering.set(subject, gathering);
    return gathering;
  }

  #problemOf(request: FirstRequest, names: Uint8Array): string | null {
    if (toHex(this.#context.primitives.sha256(names)) !== request.digest) {
      return "evaluator-0 names other rows than it has announced";
    }
    return namesProblem(this.#context.market, request, names);
  }

  #dealIfComplete(gathering: Gathering): void {
    const { market, primitives, onAttempt } = this.#context;
    const { request, joiners, names } = gathering;
    if (names === null || joiners.size < market.evaluators.length) return;
    const subject = subjectOf(request);
    gathering.cancelTimer();
    this.#gathering.delete(subject);
    this.#spend(subject, request.attempt);
    for (const link of this.#links.get(subject) ?? []) link.close();

    const session = primitives.randomBytes(SESSION_BYTES);
    const dealt = this.#dealt(request, names, session);
    const links = new Set([...joiners.values()].map(({ link }) => link));
    this.#links.set(subject, links);
    for (const [evaluator, { link, joined }] of joiners) {
      void link.whenEnded().then(() => {
        links.delete(link);
        if (links.size > 0) return;
        dealt.end();
        if (this.#links.get(subject) === links) this.#links.delete(subject);
      });
      joined.resolve({
        session,
        answer: dealt.answers[evaluator]!,
        corrections: dealt.corrections,
      });
    }
    onAttempt("dealt", publicPart(request));
  }

  /** What each evaluator is answered, and what evaluator 0 may ask for then. */
  #dealt(request: FirstRequest, names: Uint8Array, session: Uint8Array) {
    const { market, field, primitives, keys, widths } = this.#context;
    if (request.type === "closing") {
      const month = decodeMonthNames(names, request);
      const tools = { field, primitives };
      const parties = market.suppliers.length;
      const moves = monthMoves(tools, keys, request, month, parties, toHex(session));
      const corrections = (): Uint8Array => {
        throw new RefusedError("nothing is computed where a month is closed");
      };
      return { answers: market.evaluators.map(() => moves), corrections, end: () => {} };
    }
    const seeds = market.evaluators.map(() => primitives.randomBytes(SESSION_SEED_BYTES));
    const rows = { width: widths[request.kind], keepsTrades: market.settlement !== null };
    const masks = attemptMasks(this.#context, keys, request, names, rows, toHex(session));
    const dealing = new Dealing(field, primitives, seeds, masks);
    return {
      answers: seeds,
      corrections: (asked: DealerRequest) => correctionsFor(this.#context, dealing, asked),
      end: () => dealing.end(),
    };
  }

  /** Ends an attempt that gathers: nobody was given anything. */
  #fail(gathering: Gathering, reason: string): void {
    const { request, joiners, cancelTimer } = gathering;
    const subject = subjectOf(request);
    cancelTimer();
    this.#gathering.delete(subject);
    for (const { joined } of joiners.values()) joined.reject(new RefusedError(reason));
    this.#context.onAttempt(reason, publicPart(request));
  }

  #spend(subject: string, attempt: number): void {
    this.#spent.delete(subject);
    this.#spent.set(subject, attempt);
    if (this.#spent.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#spent.keys();
    if (oldest !== undefined) this.#spent.delete(oldest);
  }
}

/** What is decided once: a clearing, a settlement or its correction, a closing. */
const subjectOf = (request: FirstRequest): string => {
  const { periodStart } = request;
  if (request.type === "closing") return `month ${periodStart}`;
  return `${request.kind} ${periodStart}${request.correction === true ? " again" : ""}`;
};

/** Both are as their schema orders their fields. */
const sameAttempt = (one: FirstRequest, other: FirstRequest): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const publicPart = (request: FirstRequest) => {
  const common = { period: textOfPeriod(request.periodStart), attempt: request.attempt };
  if (request.type === "closing") return { kind: "month", ...common, meters: request.meters };
  return { kind: request.kind, ...common, rows: request.count };
};
