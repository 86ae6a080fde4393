// Which engine and which form of order shares belong to a setting.

import type { Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import { type AttemptRows, joinAttempt, joinDealing } from "../mpc/dealer-access.ts";
import { DealerEngine } from "../mpc/dealer-engine.ts";
import type { Engine } from "../mpc/engine.ts";
import type { Peers } from "../mpc/network.ts";
import { ReplicatedEngine } from "../mpc/replicated-engine.ts";
import { ShamirEngine } from "../mpc/shamir-engine.ts";
import { VerifiedEngine } from "../mpc/verified-engine.ts";
import type { Primitives } from "../platform/primitives.ts";
import { nextTurn } from "../platform/turn.ts";
import { type ClearCommand, MessageError } from "../wire/session-messages.ts";
import { activeCount, type Setting } from "../wire/setting.ts";
import { dealerIntake } from "./dealer-intake.ts";
import type { Address } from "./mesh-forming.ts";
import { type OrderIntake, replicatedIntake, shamirIntake } from "./order-intake.ts";

/** The evaluators that compute together. */
export interface SessionParties {
  /** This evaluator's links to the others, and its rank among them. */
  readonly peers: Peers;
  /** Their numbers, by rank. */
  readonly active: readonly number[];
}

/** Who computes, of those that are there: the first ones; null if they are too few. */
export function chooseActive(setting: Setting, present: readonly number[]): number[] | null {
  const count = activeCount(setting);
  return present.length < count ? null : present.slice(0, count);
}

/** Evaluator i's point is i + 1. */
const pointsOf = ({ active }: SessionParties, { threshold }: Setting) => ({
  points: active.map((number) => number + 1),
  threshold,
});

export interface EngineTools {
  readonly field: Field;
  readonly primitives: Primitives;
  /** Connects to the dealer at an address. */
  readonly reachDealer: (address: Address) => Promise<Link>;
}

/** What a market's dealer has to know of an attempt. */
export interface MarketDealing {
  readonly address: Address;
  readonly rows: AttemptRows;
}

/** Which dealer there is: none, one that has been told of a single clearing, or a market's. */
export type DealingChoice = ClearCommand["dealing"] | MarketDealing;

export interface StartedEngine {
  readonly engine: Engine;
  /** To be closed at the end of the session; null without a dealer. */
  readonly dealer: Link | null;
  /** The session's name at a market's dealer; null without one. */
  readonly session: string | null;
}

/** Begins a session with fresh keys. */
export async function startEngine(
  tools: EngineTools,
  { setting, dealing }: { readonly setting: Setting; readonly dealing: DealingChoice },
  parties: SessionParties,
): Promise<StartedEngine> {
  const { field, primitives } = tools;
  const { peers } = parties;
  if (setting.engine === "dealer") return startDealt(tools, dealing, peers);
  const inner =
    setting.engine === "shamir"
      ? await ShamirEngine.start(field, peers, pointsOf(parties, setting), primitives, nextTurn)
      : await ReplicatedEngine.start(field, peers, primitives, nextTurn);
  const engine = setting.security === "malicious" ? new VerifiedEngine(inner, primitives) : inner;
  return { engine, dealer: null, session: null };
}

async function startDealt(
  { field, primitives, reachDealer }: EngineTools,
  dealing: DealingChoice,
  peers: Peers,
): Promise<StartedEngine> {
  if (dealing === null) throw new MessageError("the engine dealer needs to know the dealer");
  const isMarket = "rows" in dealing;
  const dealer = await reachDealer(isMarket ? dealing.address : dealing);
  // Another evaluator that has gone will not join: nobody waits for it at the dealer.
  for (const link of peers.links) void link?.whenEnded().then(() => dealer.close());
  try {
    const { access, session } = isMarket
      ? await joinAttempt(dealer, primitives, dealing.rows, peers.party === 0)
      : { access: await joinDealing(dealer, dealing.id), session: null };
    const engine = await DealerEngine.start(field, peers, access, primitives, nextTurn);
    return { engine, dealer, session };
  } catch (error) {
    dealer.close();
    throw error;
  }
}

/** Turns of the event loop in which operations that were under way when a link ended come to their end. */
const TURNS_TO_SETTLE = 8;

/**
 * Ends a session in which something has failed: whatever is still under way ends with the links, before its memory is
 * given to somebody else.
 */
export async function giveUpSession(
  { field }: Pick<EngineTools, "field">,
  { peers }: SessionParties,
  dealer: Link | null,
): Promise<void> {
  for (const link of [...peers.links, dealer]) link?.close();
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await nextTurn();
  field.memory.reset();
}

/** What evaluator `party` receives of all orders; `membership` per order the supplier that it must name, if known. */
export function intakeOf(
  tools: { readonly field: Field; readonly primitives: Primitives },
  setting: Setting,
  party: number,
  count: number,
  layout: OrderLayout,
  membership: Uint8Array | null = null,
): OrderIntake {
  const { field, primitives } = tools;
  if (setting.engine === "dealer") {
    return dealerIntake(field, primitives, count, layout, membership);
  }
  return setting.engine === "shamir"
    ? shamirIntake(field, primitives, setting, party, count, layout, membership)
    : replicatedIntake(field, primitives, party, count, layout, membership);
}

/** The points of a Shamir session; null for the others. */
export const activePoints = (setting: Setting, parties: SessionParties) =>
  setting.engine === "shamir" ? pointsOf(parties, setting) : null;
