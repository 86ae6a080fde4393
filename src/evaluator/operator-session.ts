// An evaluator's side of an operator's link: takes commands one after the other until the link ends.
import { ChannelError, type Link } from "../channel/channel.ts";
import { sendBytes } from "../channel/long-messages.ts";
import { orderLayout } from "../market/order-layout.ts";
import { AbortError } from "../mpc/abort.ts";
import { InvariantError } from "../platform/assert.ts";
import { messageOf } from "../platform/errors.ts";
import {
  type Answer,
  type ClearCommand,
  type ClearedAnswer,
  type Command,
  commandSchema,
  decodeJson,
  encodeJson,
  MAX_JSON_BYTES,
  MAX_REJECTED_LISTED,
  MessageError,
  TAGS,
} from "../wire/session-messages.ts";
import {
  type AttemptResult,
  type AttemptTools,
  ClearingAttempts,
  isLie,
} from "./clearing-attempts.ts";
import type { SessionResult, SessionTools } from "./clearing-session.ts";
import { intakeOf } from "./engine-sessions.ts";
import { EvaluatorGroup, type GroupTools } from "./evaluator-group.ts";
import { TooFewEvaluatorsError } from "./mesh-forming.ts";
import type { OrderIntake } from "./order-intake.ts";

export interface OperatorContext {
  readonly group: GroupTools;
  readonly tools: Omit<SessionTools, "onPhase">;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  readonly peakRssBytes: () => number;
}

/** Serves an operator until its link ends. A clearing that fails is answered with the reason. */
export async function serveOperator(context: OperatorContext, link: Link): Promise<void> {
  const session = new OperatorSession(context, link);
  try {
    await session.serve();
  } catch (error) {
    session.leave();
    if (error instanceof ChannelError && error.message.startsWith(link.peer)) return;
    const message = describe(error);
    context.log("failed", { message });
    try {
      answer(link, { type: "failed", message, lie: isLie(error) });
    } catch {
      // The operator has gone; the log has it.
    }
    link.close();
  }
}

/** Turns away an operator that comes while another one is served. */
export function refuseOperator(link: Link): void {
  const message = "another operator is being served; try again later";
  answer(link, { type: "failed", message, lie: false });
  link.close();
}

const answer = (link: Link, message: Answer) => link.send(TAGS.commands, encodeJson(message));

/** What an operator is told: the reason, without inner detail that could depend on a secret. */
function describe(error: unknown): string {
  const known = [ChannelError, MessageError, AbortError, TooFewEvaluatorsError];
  if (known.some((kind) => error instanceof kind)) return messageOf(error);
  if (error instanceof InvariantError) return `an invariant was broken: ${error.message}`;
  return `unexpected failure: ${messageOf(error)}`;
}

class OperatorSession {
  private readonly context: OperatorContext;
  private readonly link: Link;
  private readonly ended = new AbortController();
  private group: EvaluatorGroup | null = null;
  private clearings = 0;
  /** The command that comes next, once somebody has asked for it. */
  private coming: Promise<Command> | null = null;

  constructor(context: OperatorContext, link: Link) {
    this.context = context;
    this.link = link;
    void link.whenEnded().then((error) => this.ended.abort(error));
  }

  async serve(): Promise<void> {
    for (;;) {
      const command = await this.next();
      if (command.type === "peers") {
        this.leave();
        this.group = new EvaluatorGroup(this.context.group, command.evaluators);
        await this.group.gather(command.quorum, this.ended.signal);
        answer(this.link, { type: "ready" });
      } else if (command.type === "clear") {
        await this.clear(command);
      } else if (command.type === "fetch") {
        throw new MessageError("the command `fetch` comes after `cleared`");
      }
    }
  }

  leave(): void {
    this.group?.leave();
    this.group = null;
  }

  private async clear(command: ClearCommand): Promise<void> {
    const { group, context } = this;
    if (group === null) throw new MessageError("the command `clear` comes before `peers`");
    const { parties } = command.setting;
    const there = group.evaluators.length;
    if (parties !== there) {
      throw new MessageError(`the setting is for ${parties} evaluators, this market has ${there}`);
    }
    this.clearings += 1;
    const supplierCount = command.revealedSuppliers.length;
    const layout = orderLayout(command.priceBits, command.energyBits, supplierCount);
    const { setting, count } = command;
    const orders = intakeOf(context.tools, setting, group.party, count, layout);
    await Promise.all(
      orders.streams.map((stream, index) => receiveStream(this.link, TAGS.orders + index, stream)),
    );
    const results = new Map<number, SessionResult>();
    const attempts = new ClearingAttempts(
      this.attemptTools(results),
      group,
      command,
      orders,
      this.clearings,
    );
    try {
      await this.untilFinished(attempts, results);
    } finally {
      await attempts.abandon();
    }
    answer(this.link, { type: "finished" });
  }

  private attemptTools(results: Map<number, SessionResult>): AttemptTools {
    const { tools, log } = this.context;
    return {
      ...tools,
      onEvent: log,
      onPhase: (phase, attempt) => this.tell({ type: "phase", phase, attempt }),
      onResult: (result) => {
        results.set(result.attempt, result.result);
        this.tell(clearedAnswer(this.context, result));
      },
    };
  }

  /** Answers commands until the clearing is finished. What fails after a result was there is told, no more. */
  private async untilFinished(
    attempts: ClearingAttempts,
    results: ReadonlyMap<number, SessionResult>,
  ): Promise<void> {
    let failure = attempts.ended.then(() => new Promise<never>(() => {}));
    for (;;) {
      try {
        await Promise.race([this.peek(), failure]);
      } catch (error) {
        if (!attempts.hasResult || this.ended.signal.aborted) throw error;
        failure = new Promise<never>(() => {});
        const message = describe(error);
        this.context.log("failed", { message });
        answer(this.link, { type: "failed", message, lie: isLie(error) });
        continue;
      }
      const command = await this.next();
      if (command.type === "finish") return;
      if (command.type !== "fetch") {
        throw new MessageError(`the command \`${command.type}\` comes before \`finish\``);
      }
      const result = results.get(command.attempt);
      if (result === undefined) throw new MessageError(`attempt ${command.attempt} has no result`);
      await sendBytes(this.link, TAGS.orderResults, result.orderShares);
      await sendBytes(this.link, TAGS.supplierResults, result.supplierShares);
    }
  }

  /** Tells the operator something while an attempt goes on; that it has gone shows elsewhere. */
  private tell(message: Answer): void {
    if (!this.ended.signal.aborted) answer(this.link, message);
  }

  /** Awaits the next command, which stays the next one. */
  private peek(): Promise<Command> {
    if (this.coming === null) {
      this.coming = this.link
        .receiveFrame(TAGS.commands, MAX_JSON_BYTES)
        .then((bytes) => decodeJson(commandSchema, bytes));
      this.coming.catch(() => {}); // Whoever takes it sees the error.
    }
    return this.coming;
  }

  private async next(): Promise<Command> {
    const command = await this.peek();
    this.coming = null;
    return command;
  }
}

function clearedAnswer(context: OperatorContext, cleared: AttemptResult): ClearedAnswer {
  const { attempt, active, result } = cleared;
  const rejected: ClearedAnswer["rejected"] = [];
  result.rejected.forEach((reason, index) => {
    if (reason !== null) rejected.push([index, reason]);
  });
  return {
    type: "cleared",
    attempt,
    active: [...active],
    traded: result.traded,
    priceTick: result.priceTick,
    rejected: rejected.slice(0, MAX_REJECTED_LISTED),
    rejectedCount: rejected.length,
    coin: result.coin === null ? null : Buffer.from(result.coin).toString("hex"),
    offlineMs: result.offlineMs,
    onlineMs: result.onlineMs,
    bytesSent: result.bytesSent,
    elementsSent: result.elementsSent,
    rounds: result.rounds,
    onlineRounds: result.onlineRounds,
    peakRssBytes: context.peakRssBytes(),
  };
}

async function receiveStream(
  link: Link,
  tag: number,
  stream: OrderIntake["streams"][number],
): Promise<void> {
  const { byteLength } = stream;
  if (byteLength === 0) return;
  await link.receive(tag, byteLength, (piece, offset) => stream.write(piece, offset));
}
