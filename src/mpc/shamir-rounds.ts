// The operations of a Shamir session that take a round: dealing values anew, and opening them.
import type { Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { combine } from "../sharing/interpolation.ts";
import { positionsOffDegree } from "../sharing/shamir.ts";
import { AbortError } from "./abort.ts";
import type { MessageKind, Network } from "./network.ts";
import type { Schedule } from "./schedule.ts";
import { ShamirDealing } from "./shamir-dealing.ts";
import type { ShamirPlan } from "./shamir-plan.ts";

/** Elements computed and sent as one frame: the working set of a multiplication stays in the cache. */
const CHUNK = ShamirDealing.maxLength;

/** Chunks after which a long operation lets arriving bytes be processed. */
const CHUNKS_PER_TURN = 8;

export interface SessionTools {
  readonly field: Field;
  readonly network: Network;
  readonly plan: ShamirPlan;
  readonly dealing: ShamirDealing;
  readonly schedule: Schedule;
  /** Resolves after waiting input has been processed. */
  readonly yieldTurn: () => Promise<void>;
}

export class ShamirRounds {
  private readonly tools: SessionTools;
  private readonly field: Field;
  private readonly after: readonly Link[];
  private readonly before: readonly Link[];

  constructor(tools: SessionTools) {
    const linksTo = (parties: readonly number[]) =>
      parties.map((party) => tools.network.link(party));
    this.tools = tools;
    this.field = tools.field;
    this.after = linksTo(tools.plan.after);
    this.before = linksTo(tools.plan.before);
  }

  /**
   * A share of the sum over all parties of `weight` times what `compute` writes at each, chunk by chunk; a chunk is
   * sent while the next one is computed. Elements: t.
   */
  async deal(
    length: number,
    weight: Vector,
    kind: MessageKind,
    compute: (z: Vector, from: number, to: number) => void,
  ): Promise<Vector> {
    const { field } = this;
    const { network, plan, dealing, schedule } = this.tools;
    const tag = network.takeTag(kind);
    const share = field.alloc(length);
    const heard = this.after.map(() => field.alloc(length));
    const received = this.receive(this.after, tag, heard);
    // What is dealt depends on the value with the first weight of each target.
    const weights = plan.dealingWeights.map((of) => {
      const own = field.alloc(1);
      field.mul(own, weight, of.slice(0, 1));
      return own;
    });
    const values = field.alloc(Math.min(CHUNK, length));
    await schedule.inTurn(() =>
      this.inChunks(length, (from, to) => {
        const z = values.slice(0, to - from);
        compute(z, from, to);
        const dealt = dealing.masks(to - from);
        dealt.forEach((mask, k) => {
          field.multiplyAdd(mask, z, weights[k]!);
          if (k === 0) field.copy(share.slice(from, to), mask);
          else network.sendVector(this.before[k - 1]!, tag, mask);
        });
      }),
    );
    await received;
    for (const dealt of heard) field.add(share, share, dealt);
    for (const done of [values, ...weights, ...heard]) field.free(done);
    return share;
  }

  /**
   * Shares of random values that nobody knows: each party deals some, and of 2t + 1 dealt ones, of which t may be known
   * to t parties, t + 1 unknown ones are made (Damgard, Nielsen 2007). Elements: t per t + 1 values.
   */
  async random(count: number): Promise<Vector> {
    const { field } = this;
    const { network, plan, dealing, schedule } = this.tools;
    const each = Math.ceil(count / (plan.threshold + 1));
    const tag = network.takeTag("multiplication");
    const own = field.alloc(each);
    const heard = this.after.map(() => field.alloc(each));
    const common = this.before.map(() => field.alloc(each));
    const received = this.receive(this.after, tag, heard);
    await schedule.inTurn(() =>
      this.inChunks(each, (from, to) => {
        const part = (of: Vector) => of.slice(from, to);
        const sent = dealing.dealRandom(part(own), common.map(part));
        sent.forEach((share, k) => {
          network.sendVector(this.before[k]!, tag, share);
        });
      }),
    );
    await received;
    const dealt = [own, ...heard, ...common];
    const result = field.alloc(count);
    plan.extraction.forEach((weights, k) => {
      const from = Math.min(k * each, count);
      const part = result.slice(from, Math.min(from + each, count));
      combine(
        field,
        part,
        weights,
        dealt.map((of) => of.slice(0, part.length)),
      );
    });
    for (const done of dealt) field.free(done);
    return result;
  }

  /** The secret from the shares of this party and those after it. Elements: t. */
  async openSecret(share: Vector, kind: MessageKind): Promise<Vector> {
    const { network, plan, schedule } = this.tools;
    const tag = network.takeTag(kind);
    const heard = this.after.map(() => this.field.alloc(share.length));
    const received = this.receive(this.after, tag, heard);
    await schedule.inTurn(() => network.sendLong(this.before, tag, share));
    await received;
    return this.secretFrom(share, heard, plan.openingWeights);
  }

  /** The secret, after all shares of it have been compared. Elements: 2t. */
  async openChecked(share: Vector, kind: MessageKind): Promise<Vector> {
    const { plan } = this.tools;
    const heard = await this.exchange(share, kind, async () => {});
    // All of them are public, as the secret is: whether they fit together tells nothing of anything else.
    const off = positionsOffDegree(this.field, plan.circle, plan.threshold, [share, ...heard]);
    if (off.length > 0) {
      throw new AbortError("the evaluators' shares of an opened value do not fit together");
    }
    return this.secretFrom(share, heard, plan.openingWeights);
  }

  /** The secret of a product's additive shares, each masked with a share of zero. Elements: 2t. */
  async openProduct(value: Vector, kind: MessageKind): Promise<Vector> {
    const { field } = this;
    const { plan, dealing } = this.tools;
    const result = field.alloc(value.length);
    const heard = await this.exchange(result, kind, async () => {
      await this.inChunks(value.length, (from, to) => {
        const masked = result.slice(from, to);
        field.mul(masked, value.slice(from, to), plan.productWeight);
        dealing.addZeroShare(masked);
      });
    });
    for (const share of heard) {
      field.add(result, result, share);
      field.free(share);
    }
    return result;
  }

  /** Sends `mine` to all others once `fill` is through; what they send: those after this party, then those before. */
  private async exchange(
    mine: Vector,
    kind: MessageKind,
    fill: () => Promise<void>,
  ): Promise<Vector[]> {
    const { network, schedule } = this.tools;
    const others = [...this.after, ...this.before];
    const tag = network.takeTag(kind);
    const heard = others.map(() => this.field.alloc(mine.length));
    const received = this.receive(others, tag, heard);
    await schedule.inTurn(async () => {
      await fill();
      await network.sendLong(others, tag, mine);
    });
    await received;
    return heard;
  }

  /** Frees `heard`, of which it uses as many as there are weights. */
  private secretFrom(share: Vector, heard: readonly Vector[], weights: Vector): Vector {
    const result = this.field.alloc(share.length);
    combine(this.field, result, weights, [share, ...heard].slice(0, weights.length));
    for (const done of heard) this.field.free(done);
    return result;
  }

  private receive(links: readonly Link[], tag: number, into: readonly Vector[]): Promise<unknown> {
    const { network } = this.tools;
    const received = Promise.all(
      links.map((link, k) => network.receiveVector(link, tag, into[k]!)),
    );
    received.catch(() => {}); // Awaited later by the operation; until then it must not count as unhandled.
    return received;
  }

  private async inChunks(length: number, work: (from: number, to: number) => void): Promise<void> {
    for (let from = 0, chunk = 1; from < length; from += CHUNK, chunk++) {
      work(from, Math.min(from + CHUNK, length));
      if (from + CHUNK < length && chunk % CHUNKS_PER_TURN === 0) {
        for (const link of this.before) await link.drained();
        await this.tools.yieldTurn();
      }
    }
  }
}
