// What the evaluators answer to one clearing, as it comes in: which attempt has led to a result that can be fetched,
// or why none will. One attempt's answers belong together; those of different attempts are never mixed.

import type { Clock } from "../platform/clock.ts";
import type { Answer, ClearedAnswer } from "../wire/session-messages.ts";
import { activeCount, type Setting } from "../wire/setting.ts";
import { type EvaluatorConnection, EvaluatorFailedError } from "./evaluator-connection.ts";

/** How long the others have to say why they failed too, or to answer when enough have. */
const OTHERS_WITHIN_MS = 500;

/** What one evaluator has said so far. */
interface Seat {
  readonly evaluator: EvaluatorConnection;
  readonly answers: ClearedAnswer[];
  /** Why no answer will follow. */
  reason: string | null;
  /** Whether it found that somebody does not follow the protocol. */
  lie: boolean;
  /** Whether its results can no longer be fetched. */
  lost: boolean;
}

/** An attempt with results, and who has them. */
export interface CompletedAttempt {
  readonly attempt: number;
  readonly answers: readonly ClearedAnswer[];
  readonly evaluators: readonly EvaluatorConnection[];
}

export type AnsweredPhase = "offline" | "online" | "results";

export class ClearingAnswers {
  private readonly seats: readonly Seat[];
  private readonly setting: Setting;
  private readonly leastShares: number;
  private readonly clock: Clock;
  private readonly onPhase: (phase: AnsweredPhase, attempt: number) => void;
  private readonly phasesSeen = new Set<string>();
  private news = Promise.withResolvers<void>();

  constructor(
    evaluators: readonly EvaluatorConnection[],
    setting: Setting,
    leastShares: number,
    clock: Clock,
    onPhase: (phase: AnsweredPhase, attempt: number) => void,
  ) {
    this.setting = setting;
    this.leastShares = leastShares;
    this.clock = clock;
    this.onPhase = onPhase;
    this.seats = evaluators.map((evaluator) => ({
      evaluator,
      answers: [],
      reason: null,
      lie: false,
      lost: false,
    }));
  }

  /** What `evaluator` says and that it is lost are reported here. */
  listenerOf(evaluator: EvaluatorConnection) {
    const seat = this.seats.find((one) => one.evaluator === evaluator)!;
    return {
      answered: (answer: Answer) => this.heard(seat, answer),
      lost: (reason: string) => {
        seat.reason ??= reason;
        seat.lost = true;
        this.wake();
      },
    };
  }

  /** Awaits an attempt whose results can be fetched. Throws EvaluatorFailedError when there will be none. */
  async completed(): Promise<CompletedAttempt> {
    for (;;) {
      const whole = this.attempts().find(
        ({ holders, awaited }) => this.enough(holders) && awaited === 0,
      );
      if (whole !== undefined) return this.asCompleted(whole);
      const partial = this.attempts().find(({ holders }) => this.enough(holders));
      if (partial !== undefined) {
        // Who has stopped without a word is not waited for.
        const later = this.clock.sleep(OTHERS_WITHIN_MS).then(() => "late" as const);
        if ((await Promise.race([this.news.promise, later])) === "late") {
          return this.asCompleted(partial);
        }
        continue;
      }
      if (this.hopeless()) throw await this.failure();
      await this.news.promise;
    }
  }

  private heard(seat: Seat, answer: Answer): void {
    if (answer.type === "phase") this.phase(answer.phase, answer.attempt);
    else if (answer.type === "cleared") {
      seat.answers.push(answer);
      this.phase("results", answer.attempt);
    } else if (answer.type === "failed") {
      seat.reason = `${seat.evaluator.name}: ${answer.message}`;
      seat.lie ||= answer.lie;
    } else {
      seat.reason = `${seat.evaluator.name} answered out of turn`;
    }
    this.wake();
  }

  /** Passes on the first word of each phase of each attempt. */
  private phase(phase: AnsweredPhase, attempt: number): void {
    const name = `${phase} ${attempt}`;
    if (this.phasesSeen.has(name)) return;
    this.phasesSeen.add(name);
    this.onPhase(phase, attempt);
  }

  private wake(): void {
    this.news.resolve();
    this.news = Promise.withResolvers();
  }

  private enough(holders: readonly unknown[]): boolean {
    return holders.length >= this.leastShares && !this.seats.some((seat) => seat.lie);
  }

  /** All attempts that somebody has answered, the last one first. */
  private attempts() {
    const byName = new Map<string, ClearedAnswer>();
    for (const { answers } of this.seats) {
      for (const answer of answers) byName.set(nameOf(answer), answer);
    }
    const all = [...byName].map(([name, { attempt, active }]) => {
      const seats = this.seats.filter(({ evaluator }) => active.includes(evaluator.number));
      const has = (seat: Seat) => seat.answers.some((answer) => nameOf(answer) === name);
      return {
        name,
        attempt,
        holders: seats.filter((seat) => has(seat) && !seat.lost),
        awaited: seats.filter((seat) => !has(seat) && seat.reason === null).length,
      };
    });
    return all.sort((a, b) => b.attempt - a.attempt);
  }

  private asCompleted(attempt: { name: string; attempt: number; holders: readonly Seat[] }) {
    const { name, holders } = attempt;
    return {
      attempt: attempt.attempt,
      answers: holders.map((seat) => seat.answers.find((answer) => nameOf(answer) === name)!),
      evaluators: holders.map((seat) => seat.evaluator),
    };
  }

  /** Too few are left for another attempt, and none that is under way can be completed. */
  private hopeless(): boolean {
    if (this.seats.some((seat) => seat.lie)) return true;
    const left = this.seats.filter(({ reason }) => reason === null);
    if (left.length >= activeCount(this.setting)) return false;
    const unheard = left.filter(({ answers }) => answers.length === 0);
    return (
      unheard.length < this.leastShares &&
      this.attempts().every(({ holders, awaited }) => holders.length + awaited < this.leastShares)
    );
  }

  /** What each of them says: one that fails may bring the others down. */
  private async failure(): Promise<EvaluatorFailedError> {
    const silent = () =>
      this.seats.filter(({ reason, answers }) => reason === null && answers.length === 0);
    const later = this.clock.sleep(OTHERS_WITHIN_MS).then(() => "late" as const);
    while (silent().length > 0) {
      if ((await Promise.race([this.news.promise, later])) === "late") break;
    }
    const reasons = this.seats.flatMap(({ reason }) => reason ?? []);
    const unheard = silent().map(({ evaluator }) => `${evaluator.name} has not answered`);
    return new EvaluatorFailedError([...reasons, ...unheard].join("; "));
  }
}

/** Answers of one attempt by the same evaluators have the same name. */
const nameOf = ({ attempt, active }: ClearedAnswer) => `${attempt} by ${active.join()}`;
