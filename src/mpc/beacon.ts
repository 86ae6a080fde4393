// Joint coins in one round each. Every party fixes its contributions to all coins of a session at its start by
// publishing the end of a hash chain (Lamport 1981), and reveals one link more for every coin. So nobody can choose
// a coin, and nobody can foresee one before every other party has revealed its link, that is before every other
// party has received all that was sent to it before: a coin is a barrier too.
import type { Primitives } from "../platform/primitives.ts";
import { AbortError } from "./abort.ts";
import type { Network } from "./network.ts";

const LINK_BYTES = 32;
/** Coins until a new chain is published, at the cost of one round. */
const CHAIN_LENGTH = 512;

export class Beacon {
  private readonly network: Network;
  private readonly primitives: Primitives;
  /** This party's links that are not yet revealed, the next one last. */
  private chain: Uint8Array[] = [];
  /** The link that each party revealed last. */
  private latest: Uint8Array[] = [];
  private tosses = 0;

  private constructor(network: Network, primitives: Primitives) {
    this.network = network;
    this.primitives = primitives;
  }

  /** Publishes this party's chain. Rounds: 1. */
  static async start(network: Network, primitives: Primitives): Promise<Beacon> {
    const beacon = new Beacon(network, primitives);
    await beacon.renew();
    return beacon;
  }

  /**
   * 32 public random bytes. Rounds: 1, and 1 more every 512 coins. `transcript` is what all parties must hold alike:
   * AbortError if another party has something else, or reveals what is not its next link.
   */
  async toss(transcript: Uint8Array): Promise<Uint8Array> {
    if (this.chain.length === 0) await this.renew();
    const { party } = this.network;
    const digest = this.primitives.sha256(transcript);
    const link = this.chain.pop()!;
    const message = Uint8Array.from([...link, ...digest]);
    const messages = await this.network.exchange(this.network.takeTag("coin"), message);
    messages.forEach((message, other) => {
      if (other === party) return;
      const theirs = message.subarray(0, LINK_BYTES);
      if (!same(this.hashed(other, theirs), this.latest[other]!)) {
        throw new AbortError(`evaluator ${other} revealed a coin that it had not fixed`);
      }
      if (!same(message.subarray(LINK_BYTES), digest)) {
        throw new AbortError(`evaluators ${party} and ${other} saw different opened values`);
      }
    });
    this.latest = messages.map((message) => message.subarray(0, LINK_BYTES));
    this.tosses += 1;
    return this.primitives.sha256(Uint8Array.of(this.tosses & 255), ...this.latest);
  }

  private async renew(): Promise<void> {
    let link = this.primitives.randomBytes(LINK_BYTES);
    this.chain = [];
    for (let i = 0; i < CHAIN_LENGTH; i++) {
      this.chain.push(link);
      link = this.hashed(this.network.party, link);
    }
    this.latest = await this.network.exchange(this.network.takeTag("setup"), link);
  }

  private hashed(owner: number, link: Uint8Array): Uint8Array {
    return this.primitives.sha256(Uint8Array.of(owner), link);
  }
}

const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, at) => byte === b[at]);
