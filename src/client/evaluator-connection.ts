// A client's view of one evaluator: the commands of wire/session-messages.ts over a link.
import type { Link } from "../channel/channel.ts";
import { receiveBytes, sendBytes } from "../channel/long-messages.ts";
import {
  type Answer,
  answerSchema,
  type ClearedAnswer,
  type Command,
  decodeJson,
  encodeJson,
  MAX_JSON_BYTES,
  TAGS,
} from "../wire/session-messages.ts";

/** An evaluator could not carry out a command; the message is its reason. */
export class EvaluatorFailedError extends Error {
  override readonly name = "EvaluatorFailedError";
}

export class EvaluatorConnection {
  private readonly link: Link;

  constructor(link: Link) {
    this.link = link;
  }

  /** The evaluator's name, e.g. "evaluator-1". */
  get name(): string {
    return this.link.peer;
  }

  command(command: Command): void {
    this.link.send(TAGS.commands, encodeJson(command));
  }

  /** Sends a part of one of the two components of the orders' shares. */
  sendComponent(position: 0 | 1, part: Uint8Array): Promise<void> {
    const tag = position === 0 ? TAGS.firstComponent : TAGS.secondComponent;
    return sendBytes(this.link, tag, part);
  }

  /** Awaits the evaluator's word that it is linked with the others. */
  async ready(): Promise<void> {
    const message = await this.receive();
    if (message.type !== "ready") throw this.outOfTurn();
  }

  /** Awaits the end of a clearing; `onPhase` hears of its phases. */
  async cleared(onPhase: (phase: "offline" | "online") => void): Promise<ClearedAnswer> {
    for (;;) {
      const message = await this.receive();
      if (message.type === "phase") onPhase(message.phase);
      else if (message.type === "cleared") return message;
      else throw this.outOfTurn();
    }
  }

  /** Receives output shares of `byteLength` bytes. */
  results(kind: "orders" | "suppliers", byteLength: number): Promise<Uint8Array> {
    const tag = kind === "orders" ? TAGS.orderResults : TAGS.supplierResults;
    return receiveBytes(this.link, tag, byteLength);
  }

  close(): void {
    this.link.close();
  }

  private outOfTurn(): EvaluatorFailedError {
    return new EvaluatorFailedError(`${this.link.peer} answered out of turn`);
  }

  private async receive(): Promise<Answer> {
    const message = decodeJson(
      answerSchema,
      await this.link.receiveFrame(TAGS.commands, MAX_JSON_BYTES),
    );
    if (message.type === "failed") {
      throw new EvaluatorFailedError(`${this.link.peer}: ${message.message}`);
    }
    return message;
  }
}
