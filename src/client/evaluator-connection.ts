// A client's view of one evaluator: the commands of wire/session-messages.ts over a link.
import type { Link } from "../channel/channel.ts";
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

  /** Sends a piece of one of the two components of the orders' shares. */
  async sendComponent(position: 0 | 1, piece: Uint8Array): Promise<void> {
    this.link.send(position === 0 ? TAGS.firstComponent : TAGS.secondComponent, piece);
    await this.link.drained();
  }

  /** Awaits the evaluator's word that it is linked with the others. */
  async ready(): Promise<void> {
    await this.next("ready");
  }

  /** Awaits the end of a clearing; `onPhase` hears of its phases. */
  async cleared(onPhase: (phase: "offline" | "online") => void): Promise<ClearedAnswer> {
    for (;;) {
      const message = await this.receive();
      if (message.type === "phase") onPhase(message.phase);
      else if (message.type === "cleared") return message;
      else throw new EvaluatorFailedError(`${this.link.peer} answered out of turn`);
    }
  }

  /** Receives output shares of `byteLength` bytes. */
  async results(kind: "orders" | "suppliers", byteLength: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(byteLength);
    if (byteLength === 0) return bytes;
    const tag = kind === "orders" ? TAGS.orderResults : TAGS.supplierResults;
    await this.link.receive(tag, byteLength, (piece, offset) => bytes.set(piece, offset));
    return bytes;
  }

  close(): void {
    this.link.close();
  }

  private async next(type: Answer["type"]): Promise<void> {
    const message = await this.receive();
    if (message.type !== type) {
      throw new EvaluatorFailedError(`${this.link.peer} answered out of turn`);
    }
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
