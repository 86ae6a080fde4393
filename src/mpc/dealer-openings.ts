// Opened values of authenticated sharings and their check (Damgard et al. 2013, section 3): everything opened is
// remembered with this evaluator's codes, until all evaluators have seen the same values, tossed a coin, and shown that
// a random combination of the codes is that of the values under the key that nobody knows.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import type { Primitives } from "../platform/primitives.ts";
import { AbortError } from "./abort.ts";
import type { Beacon } from "./beacon.ts";
import type { MessageKind, Network } from "./network.ts";
import type { Schedule } from "./schedule.ts";

/** Elements weighted at once. */
const CHUNK = 8192;
const NONCE_BYTES = 32;

/** Values that all evaluators saw, and this evaluator's codes of them. */
interface Opened {
  readonly values: Vector;
  /** Null for values that only have to be the same at all. */
  readonly codes: Vector | null;
}

/** What one evaluator holds of values to be opened. */
interface Shares {
  readonly values: Vector;
  readonly codes: Vector;
}

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly network: Network;
  readonly beacon: Beacon;
  readonly schedule: Schedule;
  /** This evaluator's part of the key. */
  readonly delta: Vector;
}

export class Openings {
  private readonly tools: Tools;
  /** In the order in which the operations began, which is the same at all evaluators. */
  private unchecked: Promise<Opened>[] = [];
  private uncheckedLength = 0;
  private transcript: Uint8Array = new Uint8Array(0);

  constructor(tools: Tools) {
    this.tools = tools;
  }

  /** Elements opened since the last check. */
  get pending(): number {
    return this.uncheckedLength;
  }

  /**
   * Opens the sum of all evaluators' values in one round, which begins when `shares` is there, and has `use` read them
   * before they are checked and freed. Both vectors belong to the check from here on; the codes are right when `ready`
   * has ended.
   */
  begin<T>(
    kind: MessageKind,
    length: number,
    shares: Shares | Promise<Shares>,
    ready: () => Promise<void>,
    use: (opened: Vector) => T,
  ): Promise<T> {
    const { network, schedule } = this.tools;
    const tag = network.takeTag(kind);
    const exchange = async () => {
      // Without a wait where there is nothing to wait for, so that the message leaves at once.
      const { values, codes } = shares instanceof Promise ? await shares : shares;
      await schedule.asRound(this.addOthers(tag, values));
      await ready();
      return { values, codes, result: use(values) };
    };
    const opened = exchange();
    this.remember(opened, length);
    return opened.then(({ result }) => result);
  }

  /** Has the next check include that all evaluators have the same elements here. */
  note(values: Promise<Vector>, length: number): void {
    const opened = values.then((own) => ({ values: own, codes: null }));
    this.remember(opened, length);
  }

  /** Has the next check include that the values with these codes are zero. */
  claimZero(codes: Promise<Vector>, length: number): void {
    const opened = codes.then((own) => {
      const values = this.tools.field.alloc(own.length);
      this.tools.field.fill(values, 0);
      return { values, codes: own };
    });
    this.remember(opened, length);
  }

  /**
   * Checks everything opened so far: AbortError if somebody lied. A wrong value passes with probability below 2^-59.
   * Rounds: 3, or none if there is nothing to check.
   */
  async check(): Promise<void> {
    if (this.unchecked.length === 0) return;
    const { field, primitives, beacon, schedule } = this.tools;
    const opened = this.unchecked;
    this.unchecked = [];
    this.uncheckedLength = 0;
    const all = await Promise.all(opened);
    for (const { values } of all) {
      this.transcript = primitives.sha256(this.transcript, field.memory.bytes(values));
    }
    // Nobody knows the weights before all values that it received are fixed: a toss is a barrier.
    const coin = await schedule.asRound(beacon.toss(this.transcript));
    const weighted = this.combine(all, coin);
    for (const { values, codes } of all) {
      field.free(values);
      if (codes !== null) field.free(codes);
    }
    await this.expectZero(weighted);
  }

  private remember(opened: Promise<Opened>, length: number): void {
    opened.catch(() => {}); // The check awaits it.
    this.unchecked.push(opened);
    this.uncheckedLength += length;
  }

  /**
   * Sends `shares` to all, and adds those of all others to them. All to all is one round, and for few parties cheap.
   */
  private async addOthers(tag: number, shares: Vector): Promise<void> {
    const { field, network } = this.tools;
    const { others } = network;
    const links = others.map((party) => network.link(party));
    const theirs = others.map(() => field.alloc(shares.length));
    const received = Promise.all(
      links.map((link, index) => network.receiveVector(link, tag, theirs[index]!)),
    );
    received.catch(() => {});
    await network.sendLong(links, tag, shares);
    await received;
    for (const share of theirs) {
      field.add(shares, shares, share);
      field.free(share);
    }
  }

  /** This evaluator's share of sum over k of w_k (m_k - Delta x_k), whose sum is 0: length 1. */
  private combine(all: readonly Opened[], coin: Uint8Array): Vector {
    const { field, primitives, delta } = this.tools;
    const prg = primitives.prg(primitives.sha256(coin).subarray(0, 16));
    const weights = field.alloc(CHUNK);
    const [codeSum, valueSum, part] = [field.alloc(1), field.alloc(1), field.alloc(1)];
    field.fill(codeSum, 0);
    field.fill(valueSum, 0);
    for (const { values, codes } of all) {
      if (codes === null) continue;
      for (let from = 0; from < values.length; from += CHUNK) {
        const to = Math.min(from + CHUNK, values.length);
        const own = weights.slice(0, to - from);
        prg.fill(field.memory.bytes(own));
        field.maskPrg(own);
        field.dot(part, own, codes.slice(from, to));
        field.add(codeSum, codeSum, part);
        field.dot(part, own, values.slice(from, to));
        field.add(valueSum, valueSum, part);
      }
    }
    field.mul(valueSum, valueSum, delta);
    field.sub(codeSum, codeSum, valueSum);
    for (const done of [weights, valueSum, part]) field.free(done);
    return codeSum;
  }

  /** Every evaluator fixes its share before it learns another's; then they must add up to zero. Frees the share. */
  private async expectZero(share: Vector): Promise<void> {
    const { field, network, primitives, schedule } = this.tools;
    const tags = [network.takeTag("verification"), network.takeTag("verification")] as const;
    // A share is a uniformly random number, but that all of them add up to 0.
    const message = Uint8Array.from([
      ...field.toBytes(share),
      ...primitives.randomBytes(NONCE_BYTES),
    ]);
    const promise = promiseOf(primitives, network.party, message);
    const promises = await schedule.asRound(network.exchange(tags[0], promise));
    const messages = await schedule.asRound(network.exchange(tags[1], message));
    const theirs = field.alloc(1);
    for (const party of network.others) {
      const promised = promises[party]!;
      if (!same(promiseOf(primitives, party, messages[party]!), promised)) {
        throw new AbortError(`evaluator ${party} opened a check that it had not fixed`);
      }
      field.setBytes(theirs, messages[party]!.subarray(0, ELEMENT_BYTES));
      field.maskPrg(theirs);
      field.add(share, share, theirs);
    }
    const isZero = field.toBytes(share).every((byte) => byte === 0);
    field.free(theirs);
    field.free(share);
    if (!isZero) throw new AbortError("opened values do not fit their authentication codes");
  }
}

const promiseOf = (primitives: Primitives, party: number, message: Uint8Array) =>
  primitives.sha256(Uint8Array.of(party), message);

const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, at) => byte === b[at]);
