// The sessions of a market's dealer: one for each attempt of the evaluators at computing something on rows. It begins
// when all of them have named the same rows, and lasts as long as their links. Nothing of it has to outlive this
// process:
// an attempt that was broken off is followed by another one, whose session has a fresh name and fresh masks of
// results.
import type { Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import { type MarketDocument, orderWindow } from "../market/market-document.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import type { MarketClock } from "../platform/market-clock.ts";
import type { Primitives } from "../platform/primitives.ts";
import { Dealing } from "../sharing/dealer.ts";
import {
  type AttemptRequest,
  type DealerRequest,
  SESSION_BYTES,
  SESSION_SEED_BYTES,
} from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";
import { textOfPeriod } from "../wire/records.ts";
import { attemptMasks, rowNameAt } from "./attempt-masks.ts";
import { correctionsFor, RefusedError } from "./corrections.ts";
import type { MaskKeys } from "./mask-keys.ts";

export interface AttemptsContext {
  readonly market: MarketDocument;
  readonly marketClock: MarketClock;
  readonly clock: Clock;
  readonly field: Field;
  readonly primitives: Primitives;
  readonly keys: MaskKeys;
  /** How many numbers a row has, by what it is. */
  readonly widths: Readonly<Partial<Record<AttemptRequest["kind"], number>>>;
  /** Told when an attempt is dealt, or comes to nothing. */
  readonly onAttempt: (what: string, attempt: Record<string, unknown>) => void;
  /** How long the evaluators of an attempt may take to join. */
  readonly joinMs?: number;
}

/** What one evaluator gets of an attempt. */
export interface JoinedAttempt {
  /** The session's name, the same for all. */
  readonly session: Uint8Array;
  /** This evaluator's seed. */
  readonly seed: Uint8Array;
  /** For evaluator 0: what it asks for next. Throws RefusedError. */
  readonly corrections: (request: DealerRequest) => Uint8Array;
}

interface Joiner {
  readonly link: Link;
  readonly joined: PromiseWithResolvers<JoinedAttempt>;
}

/** An attempt whose evaluators are arriving. */
interface Gathering {
  readonly request: AttemptRequest;
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
   * Joins the session of an attempt as that evaluator, which ends with its link. Resolves when all have joined;
   * rejects
   * with RefusedError.
   */
  async join(link: Link, evaluator: number, request: AttemptRequest): Promise<JoinedAttempt> {
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
  name(request: AttemptRequest, names: Uint8Array): void {
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

  #check(evaluator: number, { kind, periodStart, attempt, suppliers }: AttemptRequest): void {
    const { market, marketClock, widths } = this.#context;
    if (evaluator >= market.evaluators.length) {
      throw new RefusedError(`the market has no evaluator ${evaluator}`);
    }
    if (widths[kind] === undefined) throw new RefusedError(`this market has no ${kind}s`);
    const order = suppliers.every((supplier, i) => i === 0 || supplier > suppliers[i - 1]!);
    if (!order || suppliers.some((supplier) => supplier >= market.suppliers.length)) {
      throw new RefusedError("the suppliers are not some of the market's, each once, by number");
    }
    const skewS = LIMITS.clockSkewMs / 1000;
    if (orderWindow(market, periodStart, marketClock.nowS() + skewS) !== "closed") {
      throw new RefusedError(`the gate of ${textOfPeriod(periodStart)} is not closed`);
    }
    const spent = this.#spent.get(subjectOf({ kind, periodStart })) ?? 0;
    if (attempt <= spent) {
      throw new RefusedError(`attempt ${attempt} is over: the last one was ${spent}`);
    }
  }

  /** The attempt that gathers; a later one ends those before it. */
  #gatheringFor(subject: string, request: AttemptRequest): Gathering {
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

  #problemOf({ count, digest }: AttemptRequest, names: Uint8Array): string | null {
    if (toHex(this.#context.primitives.sha256(names)) !== digest) {
      return "evaluator-0 names other rows than it has announced";
    }
    // A mask that hid two rows would tell how they differ.
    for (let row = 1; row < count; row++) {
      if (rowNameAt(names, row).meter > rowNameAt(names, row - 1).meter) continue;
      return "the rows are not in the order of meters, one of each";
    }
    return null;
  }

  #dealIfComplete(gathering: Gathering): void {
    const { market, field, primitives, keys, widths, onAttempt } = this.#context;
    const { request, joiners, names } = gathering;
    if (names === null || joiners.size < market.evaluators.length) return;
    const subject = subjectOf(request);
    gathering.cancelTimer();
    this.#gathering.delete(subject);
    this.#spend(subject, request.attempt);
    for (const link of this.#links.get(subject) ?? []) link.close();

    const session = primitives.randomBytes(SESSION_BYTES);
    const seeds = market.evaluators.map(() => primitives.randomBytes(SESSION_SEED_BYTES));
    const width = widths[request.kind]!;
    const masks = attemptMasks(this.#context, keys, request, names, width, toHex(session));
    const dealing = new Dealing(field, primitives, seeds, masks);
    const corrections = (asked: DealerRequest) => correctionsFor(this.#context, dealing, asked);
    const links = new Set([...joiners.values()].map(({ link }) => link));
    this.#links.set(subject, links);
    for (const [evaluator, { link, joined }] of joiners) {
      void link.whenEnded().then(() => {
        links.delete(link);
        if (links.size > 0) return;
        dealing.end();
        if (this.#links.get(subject) === links) this.#links.delete(subject);
      });
      joined.resolve({ session, seed: seeds[evaluator]!, corrections });
    }
    onAttempt("dealt", publicPart(request));
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

const subjectOf = ({ kind, periodStart }: Pick<AttemptRequest, "kind" | "periodStart">): string =>
  `${kind} ${periodStart}`;

const sameAttempt = (one: AttemptRequest, other: AttemptRequest): boolean =>
  one.count === other.count &&
  one.digest === other.digest &&
  JSON.stringify(one.suppliers) === JSON.stringify(other.suppliers);

const publicPart = ({ kind, periodStart, attempt, count }: AttemptRequest) => ({
  kind,
  period: textOfPeriod(periodStart),
  attempt,
  rows: count,
});
