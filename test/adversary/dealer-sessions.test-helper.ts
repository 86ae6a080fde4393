// Whole clearing sessions with a dealer in one process, of which one evaluator lies in one place of one's choice, for
// tests of what the others make of it. The evaluators run the service's own session; the liar's lie is put into the
// messages that it sends, into what it is about to open, into a product that it goes on with, or into its answer.
import { ClientDealing } from "../../src/client/dealer-orders.ts";
import { sharingOf } from "../../src/client/sharing.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { runClearing, type SessionResult } from "../../src/evaluator/clearing-session.ts";
import { intakeOf } from "../../src/evaluator/engine-sessions.ts";
import { Field } from "../../src/field/field.ts";
import type { Vector } from "../../src/field/memory.ts";
import { DealerInProcess } from "../../src/mpc/dealer-parties.test-helper.ts";
import { kindOf, type MessageKind, type Peers } from "../../src/mpc/network.ts";
import { closePeers, meshedPeers, type SentFrame } from "../../src/mpc/parties.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { ClearCommand } from "../../src/wire/session-messages.ts";
import type { Setting } from "../../src/wire/setting.ts";
import {
  type Cleared,
  commandOf,
  layoutOf,
  type Market,
  putTogether,
} from "../settings/sessions.test-helper.ts";
import { type Change, type EngineWatch, watchEngines } from "./dealer-watch.test-helper.ts";
import { below, type Draw, drawsFrom } from "./draws.test-helper.ts";
import { changed } from "./sessions.test-helper.ts";

const PROMISE_BYTES = 32;

/** What is opened by the sum of all shares. */
export type OpenedKind = Extract<MessageKind, "multiplication" | "opening" | "reveal">;

/**
 * What a liar changes:
 * - a message as others receive it, who then hold something else than the liar itself;
 * - its share, or its share of the code, of one element that it opens: a masked factor of a product
 *   ("multiplication"), a masked value ("opening") or what was verified ("reveal"), for all and itself alike;
 * - its share, or code, of one element of a product, with which it goes on;
 * - its share of a check's combination of codes, before it promises it;
 * - its copy of the orders; what it tells the meters.
 */
export type DealerLieKind =
  | `${MessageKind} message`
  | `${OpenedKind} value`
  | `${OpenedKind} code`
  | "product value"
  | "product code"
  | "check share"
  | "order"
  | "answer";

export interface DealerLie {
  readonly party: number;
  readonly kind: DealerLieKind;
  /** Which of its kind at that evaluator. */
  readonly index: number;
  /** For a message: whether all others are told the same lie, or only one of them is lied to. */
  readonly toAll: boolean;
  /** Of the draws that say how it lies. */
  readonly seed: number;
}

export interface DealerSessionResult {
  /** What meters and suppliers put together; null if an evaluator ended, or its answers do not fit the others'. */
  readonly cleared: Cleared | null;
  /** Why evaluators ended, or clients took no result. */
  readonly reasons: readonly unknown[];
  readonly lied: boolean;
  /** Openings of verified values that an honest evaluator took part in after it could know of the lie. */
  readonly revealedAfter: number;
  /** Honest evaluators that gave an answer though they had been lied to. */
  readonly answeredAfter: readonly number[];
  /** What each evaluator took for verified, in the order of the openings. */
  readonly accepted: readonly string[][];
  /** How often each evaluator could have lied in each way. */
  readonly turns: readonly Map<DealerLieKind, number>[];
}

export interface DealerSessionOptions {
  /** Runs the engines without the check of what was opened: what it is good for is seen then. */
  readonly withoutChecks?: boolean;
}

/** The one lie of a session: where it is told, and what happens afterwards. */
class Liar {
  readonly turns: readonly Map<DealerLieKind, number>[];
  lied = false;
  revealedAfter = 0;
  /** Honest evaluators that hold something that the liar has made up. */
  readonly told = new Set<number>();
  private readonly lie: DealerLie | null;
  private readonly honest: readonly number[];
  /** The operation in which others could first see the lie. */
  private liedAt: number | null = null;
  /** The tag of the message that all are lied to in. */
  private tagForAll: number | null = null;

  constructor(parties: number, lie: DealerLie | null) {
    this.turns = Array.from({ length: parties }, () => new Map());
    this.lie = lie;
    this.honest = this.turns.flatMap((_, party) => (party === lie?.party ? [] : [party]));
  }

  /** The draws of the lie if it is to be told here; everything that could be one is counted. */
  turn(party: number, kind: DealerLieKind): Draw | null {
    const index = this.turns[party]!.get(kind) ?? 0;
    this.turns[party]!.set(kind, index + 1);
    const { lie } = this;
    if (lie?.party !== party || lie.kind !== kind || lie.index !== index) return null;
    this.lied = true;
    return drawsFrom(lie.seed);
  }

  readonly onFrame = ({ from, to, tag, payload }: SentFrame): Uint8Array | undefined => {
    const { lie } = this;
    const operation = tag >> 3;
    const draw = this.turn(from, `${kindOf(tag)} message`);
    if (draw !== null && lie!.toAll) this.tagForAll = tag;
    if (draw !== null || (from === lie?.party && tag === this.tagForAll)) {
      // What is fixed in the first message of a check is shown in the second.
      const fixes = kindOf(tag) === "verification" && payload.length === PROMISE_BYTES;
      this.liedAt = fixes ? operation + 1 : operation;
      this.told.add(to);
      return changed(payload, drawsFrom(lie!.seed));
    }
    if (kindOf(tag) === "reveal" && this.honest.includes(from)) this.countReveal(from, operation);
    return undefined;
  };

  /** Something of the liar's own changed that all others will hold; `operation` shows it to them, if that is known. */
  change(field: Field, vector: Vector, draw: Draw, operation: number | null): void {
    const element = vector.slice(...oneOf(vector.length, draw));
    const error = field.alloc(1);
    // By a little, or by anything.
    field.fill(error, 1 + below(draw, draw() < 0.5 ? 3 : 2 ** 30));
    field.add(element, element, error);
    field.free(error);
    this.liedAt = operation;
    for (const party of this.honest) this.told.add(party);
  }

  /** An evaluator that was told the truth in the last check before an opening takes part in that one, and no more. */
  private countReveal(party: number, operation: number): void {
    if (this.liedAt === null) return;
    const after = operation - this.liedAt;
    if (after > (this.told.has(party) ? 0 : 1)) this.revealedAfter += 1;
  }
}

function oneOf(length: number, draw: Draw): [number, number] {
  const at = below(draw, length);
  return [at, at + 1];
}

/** What the liar does inside its engine. */
function watchOf(
  liar: Liar,
  peers: readonly Peers[],
  fields: readonly Field[],
  accepted: readonly string[][],
  withoutChecks: boolean,
): EngineWatch {
  const partyOf = (field: Field) => fields.indexOf(field);
  const changeOf = (
    field: Field,
    kind: OpenedKind | "product",
    operation: number | null,
  ): Change => {
    const party = partyOf(field);
    const ofValues = liar.turn(party, `${kind} value`);
    const ofCodes = liar.turn(party, `${kind} code`);
    return (values, codes) => {
      if (ofValues !== null) liar.change(field, values, ofValues, operation);
      if (ofCodes !== null) liar.change(field, codes, ofCodes, operation);
    };
  };
  return {
    withoutChecks,
    opening: (field, kind) => changeOf(field, kind as OpenedKind, peers[partyOf(field)]!.nextTag),
    // Others see no lie before the product is used.
    product: (field) => changeOf(field, "product", null),
    checking(field, share) {
      const party = partyOf(field);
      const draw = liar.turn(party, "check share");
      // Promised in the next operation, shown in the one after it.
      if (draw !== null) liar.change(field, share, draw, peers[party]!.nextTag + 1);
    },
    verified(field, values) {
      accepted[partyOf(field)]!.push(field.toNumbers(values).join());
    },
  };
}

/** Runs a session with everybody honest, or with one lie. */
export async function runDealerSession(
  setting: Setting,
  market: Market,
  lie: DealerLie | null,
  { withoutChecks = false }: DealerSessionOptions = {},
): Promise<DealerSessionResult> {
  const liar = new Liar(setting.parties, lie);
  const peers = meshedPeers(setting.parties, liar.onFrame);
  const fields = peers.map(() => new Field());
  const accepted = peers.map((): string[] => []);
  const dealer = new DealerInProcess();
  const stopWatching = watchEngines(watchOf(liar, peers, fields, accepted, withoutChecks));
  try {
    const { cleared, reasons, answered } = await clearWith(
      { liar, peers, fields, dealer },
      setting,
      market,
    );
    const { lied, revealedAfter, turns, told } = liar;
    const answeredAfter = answered.filter((party) => told.has(party));
    return { cleared, reasons, lied, revealedAfter, answeredAfter, accepted, turns };
  } finally {
    stopWatching();
    closePeers(peers);
    dealer.close();
  }
}

interface Scene {
  readonly liar: Liar;
  readonly peers: readonly Peers[];
  readonly fields: readonly Field[];
  readonly dealer: DealerInProcess;
}

/** Orders from meters to evaluators, the evaluators' sessions, and what clients make of their answers. */
async function clearWith(scene: Scene, setting: Setting, market: Market) {
  const { liar, peers, dealer } = scene;
  const tools = { field: new Field(), primitives: nodePrimitives };
  const dealing = await ClientDealing.open(tools.field, dealer.call("operator"), peers.length);
  const sharing = sharingOf(tools, setting, layoutOf(market), dealing);
  const received = await sharing.split(market.orders);
  const command = commandOf(setting, market, dealing);
  const ended = await Promise.allSettled(
    peers.map((_, party) => atEvaluator(scene, party, command, market, received[party]![0]!)),
  );
  const reasons = ended.flatMap((one): unknown[] =>
    one.status === "rejected" ? [one.reason] : [],
  );
  const answers = ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const answered = [...ended.keys()].filter((party) => ended[party]!.status === "fulfilled");
  if (reasons.length > 0) return { cleared: null, reasons, answered };
  const told = answers.map((answer, party) => {
    const draw = liar.turn(party, "answer");
    return draw === null ? answer : falseAnswer(answer, draw);
  });
  const combine = async (shares: readonly Uint8Array[]) =>
    tools.field.toNumbers(await sharing.combine([...peers.keys()], shares));
  try {
    const cleared = await putTogether(market, sharing.resultBytes, told, combine);
    return { cleared, reasons, answered };
  } catch (error) {
    return { cleared: null, reasons: [error], answered };
  }
}

function atEvaluator(
  { liar, peers, fields, dealer }: Scene,
  party: number,
  command: ClearCommand,
  market: Market,
  orders: Uint8Array,
): Promise<SessionResult> {
  const field = fields[party]!;
  const draw = liar.turn(party, "order");
  const inside = { field, primitives: nodePrimitives };
  const count = market.orders.length;
  const intake = intakeOf(inside, command.setting, party, count, layoutOf(market));
  intake.streams[0]!.write(draw === null ? orders : changed(orders, draw), 0);
  const reachDealer = async () => dealer.call({ evaluator: party });
  const session = { ...inside, clock: systemClock, onPhase: () => {}, reachDealer };
  const parties = { peers: peers[party]!, active: [...peers.keys()] };
  return runClearing(session, parties, command, intake, true);
}

/** An evaluator's answer to the clients with one thing in it changed. */
function falseAnswer(answer: SessionResult, draw: Draw): SessionResult {
  const { priceTick, coin, traded } = answer;
  const changes: readonly Partial<SessionResult>[] = [
    { orderShares: changed(answer.orderShares, draw) },
    { supplierShares: changed(answer.supplierShares, draw) },
    { priceTick: (priceTick ?? 0) + 1 + below(draw, 3) },
    { traded: !traded },
    { rejected: answer.rejected.map((reason, i) => (i === 0 ? "invalid-order" : reason)) },
    ...(coin === null ? [] : [{ coin: changed(coin, draw) }]),
  ];
  return { ...answer, ...changes[below(draw, changes.length)] };
}
