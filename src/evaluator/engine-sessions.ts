// Which engine and which form of order shares belong to a setting.

import type { Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import { joinDealing } from "../mpc/dealer-access.ts";
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

export interface StartedEngine {
  readonly engine: Engine;
  /** To be closed at the end of the session; null without a dealer. */
  readonly dealer: Link | null;
}

/** Begins a session with fresh keys. */
export async function startEngine(
  tools: EngineTools,
  { setting, dealing }: Pick<ClearCommand, "setting" | "dealing">,
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
  return { engine, dealer: null };
}

async function startDealt(
  { field, primitives, reachDealer }: EngineTools,
  dealing: ClearCommand["dealing"],
  peers: Peers,
): Promise<StartedEngine> {
  if (dealing === null) throw new MessageError("the engine dealer needs to know the dealer");
  const dealer = await reachDealer(dealing);
  try {
    const access = await joinDealing(dealer, dealing.id);
    const engine = await DealerEngine.start(field, peers, access, primitives, nextTurn);
    return { engine, dealer };
  } catch (error) {
    dealer.close();
    throw error;
  }
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
  if (setting.engine === "dealer") return dealerIntake(field, primitives, count, layout);
  return setting.engine === "shamir"
    ? shamirIntake(field, primitives, setting, party, count, layout, membership)
    : replicatedIntake(field, primitives, party, count, layout, membership);
}

/** The points of a Shamir session; null for the others. */
export const activePoints = (setting: Setting, parties: SessionParties) =>
  setting.engine === "shamir" ? pointsOf(parties, setting) : null;
