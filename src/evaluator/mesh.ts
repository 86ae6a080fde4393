// The three evaluators' links among each other: each evaluator calls those with lower numbers and is called by
// those with higher ones.
import type { Link } from "../channel/channel.ts";
import { ChannelError } from "../channel/channel.ts";
import type { LinkOptions } from "../channel/link-base.ts";
import { connect } from "../channel/tls.ts";
import type { Identity } from "../crypto/certificates.ts";
import type { Peers } from "../mpc/network.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Links from other evaluators that have called and not been used yet. */
export class Callers {
  private readonly links = new Map<number, Link>();
  private readonly waiting = new Map<number, (link: Link) => void>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Takes a call; an earlier one from the same evaluator that nobody took is ended. */
  arrived(index: number, link: Link): void {
    const waiter = this.waiting.get(index);
    if (waiter !== undefined) {
      this.waiting.delete(index);
      waiter(link);
      return;
    }
    this.links.get(index)?.close();
    this.links.set(index, link);
  }

  /** The link from that evaluator; waits until the connect deadline for it to call. */
  take(index: number): Promise<Link> {
    const link = this.links.get(index);
    this.links.delete(index);
    if (link !== undefined) return Promise.resolve(link);
    return new Promise((resolve, reject) => {
      const cancel = this.clock.timer(LIMITS.connectDeadlineMs, () => {
        this.waiting.delete(index);
        const after = `${LIMITS.connectDeadlineMs / 1000} s`;
        reject(new ChannelError("unreachable", `evaluator-${index} did not call within ${after}`));
      });
      this.waiting.set(index, (arrived) => {
        cancel();
        resolve(arrived);
      });
    });
  }
}

/** This evaluator's place among the three. */
export type Mesh = Peers;

/** Links evaluator `party` with the other two; `options` hold for the links that it opens. */
export async function joinMesh(
  identity: Identity,
  party: number,
  evaluators: readonly Address[],
  callers: Callers,
  options: LinkOptions,
): Promise<Mesh> {
  const linkTo = (other: number): Promise<Link> => {
    if (other > party) return callers.take(other);
    const expect = { role: "evaluator", id: String(other) } as const;
    return connect(identity, { ...options, ...evaluators[other]!, expect });
  };
  const links = await Promise.all(
    evaluators.map((_, other) => (other === party ? null : linkTo(other))),
  );
  return { party, links, nextTag: 0 };
}
