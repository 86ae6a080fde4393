// The order of an engine's operations at one party, and the rounds they take.
import { quiet } from "./quiet.ts";

export class Schedule {
  private clock = 0;
  /** Ends when the local part of every operation begun so far has ended. */
  private turn: Promise<void> = Promise.resolve();

  /** Rounds in sequence so far. */
  get rounds(): number {
    return this.clock;
  }

  /**
   * Runs the local part of an operation after those begun earlier, so that all parties draw correlated randomness in
   * the same order also while a long operation waits for a slow link.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.then(() => {});
    this.turn.catch(() => {});
    return result;
  }

  /** Counts the round of an operation: it came after all that had finished when it began. */
  asRound<T>(operation: Promise<T>): Promise<T> {
    const round = this.clock + 1;
    const ended = operation.then((result) => {
      this.clock = Math.max(this.clock, round);
      return result;
    });
    return quiet(ended);
  }
}
