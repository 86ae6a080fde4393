// An evaluator's side of an operator's link: takes commands one after the other until the link ends.
import type { Link } from "../channel/channel.ts";
import { ChannelError } from "../channel/channel.ts";
import type { LinkOptions } from "../channel/link-base.ts";
import { sendBytes } from "../channel/long-messages.ts";
import type { Identity } from "../crypto/certificates.ts";
import { orderLayout } from "../market/order-layout.ts";
import { InvariantError } from "../platform/assert.ts";
import { messageOf } from "../platform/errors.ts";
import {
  type Answer,
  type ClearCommand,
  type ClearedAnswer,
  commandSchema,
  decodeJson,
  encodeJson,
  MAX_JSON_BYTES,
  MAX_REJECTED_LISTED,
  MessageError,
  TAGS,
} from "../wire/session-messages.ts";
import { runClearing, type SessionResult, type SessionTools } from "./clearing-session.ts";
import { type Callers, joinMesh, type Mesh } from "./mesh.ts";
import { type OrderComponent, orderComponent } from "./order-component.ts";

export interface OperatorContext {
  readonly identity: Identity;
  readonly party: number;
  readonly callers: Callers;
  /** For the links this evaluator opens to others. */
  readonly linkOptions: LinkOptions;
  readonly tools: Omit<SessionTools, "onPhase">;
  readonly log: (message: string) => void;
  readonly peakRssBytes: () => number;
}

/** Serves an operator until its link ends. A clearing that fails is answered with the reason. */
export async function serveOperator(context: OperatorContext, link: Link): Promise<void> {
  let mesh: Mesh | null = null;
  try {
    for (;;) {
      const bytes = await link.receiveFrame(TAGS.commands, MAX_JSON_BYTES);
      const command = decodeJson(commandSchema, bytes);
      if (command.type === "peers") {
        const { identity, party, callers, linkOptions } = context;
        mesh = await joinMesh(identity, party, command.evaluators, callers, linkOptions);
        answer(link, { type: "ready" });
      } else if (mesh === null) {
        throw new MessageError("the command `clear` comes before `peers`");
      } else {
        await clear(context, link, mesh, command);
      }
    }
  } catch (error) {
    const message = describe(error);
    for (const peer of mesh?.links ?? []) peer?.close();
    if (error instanceof ChannelError && error.message.startsWith(link.peer)) return;
    context.log(message);
    try {
      answer(link, { type: "failed", message });
    } catch {
      // The operator has gone; the log has it.
    }
    link.close();
  }
}

/** Turns away an operator that comes while another one is served. */
export function refuseOperator(link: Link): void {
  answer(link, { type: "failed", message: "another operator is being served; try again later" });
  link.close();
}

const answer = (link: Link, message: Answer) => link.send(TAGS.commands, encodeJson(message));

/** What an operator is told: the reason, without inner detail that could depend on a secret. */
function describe(error: unknown): string {
  if (error instanceof ChannelError || error instanceof MessageError) return error.message;
  if (error instanceof InvariantError) return `an invariant was broken: ${error.message}`;
  return `unexpected failure: ${messageOf(error)}`;
}

async function clear(
  context: OperatorContext,
  link: Link,
  mesh: Mesh,
  command: ClearCommand,
): Promise<void> {
  const layout = orderLayout(
    command.priceBits,
    command.energyBits,
    command.revealedSuppliers.length,
  );
  const { field, primitives } = context.tools;
  const component = (position: number) =>
    orderComponent(field, primitives, (context.party + position) % 3, command.count, layout);
  const components = [component(0), component(1)] as const;
  await Promise.all([
    receiveComponent(link, TAGS.firstComponent, components[0]),
    receiveComponent(link, TAGS.secondComponent, components[1]),
  ]);
  const onPhase = (phase: "offline" | "online") => answer(link, { type: "phase", phase });
  const tools = { ...context.tools, onPhase };
  const result = await runClearing(tools, mesh, command, layout, components);
  answer(link, clearedAnswer(context, result));
  await sendBytes(link, TAGS.orderResults, result.orderShares);
  await sendBytes(link, TAGS.supplierResults, result.supplierShares);
}

function clearedAnswer(context: OperatorContext, result: SessionResult): ClearedAnswer {
  const rejected: ClearedAnswer["rejected"] = [];
  result.rejected.forEach((reason, index) => {
    if (reason !== null) rejected.push([index, reason]);
  });
  return {
    type: "cleared",
    traded: result.traded,
    priceTick: result.priceTick,
    rejected: rejected.slice(0, MAX_REJECTED_LISTED),
    rejectedCount: rejected.length,
    coin: Buffer.from(result.coin).toString("hex"),
    offlineMs: result.offlineMs,
    onlineMs: result.onlineMs,
    bytesSent: result.bytesSent,
    rounds: result.rounds,
    onlineRounds: result.onlineRounds,
    peakRssBytes: context.peakRssBytes(),
  };
}

async function receiveComponent(link: Link, tag: number, component: OrderComponent): Promise<void> {
  const { byteLength } = component;
  if (byteLength === 0) return;
  await link.receive(tag, byteLength, (piece, offset) => component.write(piece, offset));
}
