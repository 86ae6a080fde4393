// The evaluators' links among each other: those that have called, and those of the evaluators that go on together.
import { ChannelError, type Link } from "../channel/channel.ts";
import type { Peers } from "../mpc/network.ts";
import type { Clock } from "../platform/clock.ts";

/** Links from other evaluators that have called and not been used yet. */
export class Callers {
  private readonly links = new Map<number, Link>();
  private readonly waiting = new Map<number, (link: Link) => void>();
  private readonly clock: Clock;
  private news = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Takes a call; an earlier one from the same evaluator that nobody took is ended. */
  arrived(index: number, link: Link): void {
    const waiter = this.waiting.get(index);
    if (waiter !== undefined) {
      waiter(link);
      return;
    }
    this.links.get(index)?.close();
    this.links.set(index, link);
    this.news.resolve();
    this.news = Promise.withResolvers();
    void link.whenEnded().then(() => {
      if (this.links.get(index) === link) this.links.delete(index);
    });
  }

  /** Resolves when an evaluator that nobody waits for has called, now or later. */
  whenCalled(): Promise<void> {
    return this.links.size > 0 ? Promise.resolve() : this.news.promise;
  }

  /**
   * The link from that evaluator; waits for it to call. Rejects with ChannelError "unreachable" when it has not after
   * `limitMs`, "closed" when `signal` is aborted.
   */
  take(index: number, limitMs: number, signal: AbortSignal): Promise<Link> {
    const link = this.links.get(index);
    this.links.delete(index);
    if (link !== undefined) return Promise.resolve(link);
    return new Promise((resolve, reject) => {
      const end = () => {
        cancel();
        signal.removeEventListener("abort", onAbort);
        this.waiting.delete(index);
      };
      const fail = (code: "unreachable" | "closed", what: string) => {
        end();
        reject(new ChannelError(code, `evaluator-${index} ${what}`));
      };
      const onAbort = () => fail("closed", "is not waited for any more");
      const within = `${(limitMs / 1000).toFixed(1)} s`;
      const cancel = this.clock.timer(limitMs, () =>
        fail("unreachable", `did not call within ${within}`),
      );
      signal.addEventListener("abort", onAbort, { once: true });
      this.waiting.set(index, (arrived) => {
        end();
        resolve(arrived);
      });
    });
  }
}

/** Evaluators that are all linked with each other, and know it. It breaks for good when any of their links ends. */
export class Mesh {
  /** This evaluator's number. */
  readonly party: number;
  /** The numbers of its evaluators, this one's too, ascending. */
  readonly members: readonly number[];
  /** The number of the first attempt at a clearing that these evaluators make together. */
  readonly attempt: number;
  /** To its other evaluators, by number. */
  readonly links: ReadonlyMap<number, Link>;
  private readonly broken: Promise<void>;
  private isBroken = false;

  constructor(party: number, links: ReadonlyMap<number, Link>, attempt: number) {
    this.party = party;
    this.members = [party, ...links.keys()].sort((a, b) => a - b);
    this.attempt = attempt;
    this.links = links;
    this.broken = Promise.race([...links.values()].map((link) => link.whenEnded())).then(() => {
      this.isBroken = true;
    });
  }

  get intact(): boolean {
    return !this.isBroken;
  }

  /** Resolves when a link of this evaluator has ended. */
  whenBroken(): Promise<void> {
    return this.broken;
  }

  /** The place of this evaluator among some members that compute together; null if it is none of them. */
  peersAmong(active: readonly number[]): Peers | null {
    if (!active.includes(this.party)) return null;
    return {
      party: active.indexOf(this.party),
      links: active.map((number) => this.links.get(number) ?? null),
      nextTag: 0,
    };
  }

  /** Ends all links, by which the others notice. */
  close(): void {
    this.isBroken = true;
    for (const link of this.links.values()) link.close();
  }
}
