// A client's view of one evaluator: the commands of wire/session-messages.ts over a link.
import { ChannelError, type Link } from "../channel/channel.ts";
import { receiveBytes, sendBytes } from "../channel/long-messages.ts";
import { messageOf } from "../platform/errors.ts";
import {
  type Answer,
  answerSchema,
  type ClearCommand,
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

/** Hears what an evaluator answers to `clear`, and in the end, if so, why it will say nothing more. */
export interface ClearingListener {
  answered(answer: Answer): void;
  lost(reason: string): void;
}

export class EvaluatorConnection {
  /** The evaluator's number. */
  readonly number: number;
  private readonly link: Link;
  /** Ends when everything about the clearings so far has been read. */
  private reading: Promise<void> = Promise.resolve();
  private isLost = false;

  constructor(link: Link, number: number) {
    this.link = link;
    this.number = number;
    void link.whenEnded().then(() => {
      this.isLost = true;
    });
  }

  /** The evaluator's name, e.g. "evaluator-1". */
  get name(): string {
    return this.link.peer;
  }

  /** Whether the link has ended. */
  get lost(): boolean {
    return this.isLost;
  }

  command(command: Command): void {
    this.link.send(TAGS.commands, encodeJson(command));
  }

  /** Awaits the evaluator's word that it is linked with the others. */
  async ready(): Promise<void> {
    const message = await this.receive();
    if (message.type === "failed") throw this.failure(message.message);
    if (message.type !== "ready") {
      throw new EvaluatorFailedError(`${this.link.peer} answered out of turn`);
    }
  }

  /** Begins a clearing; everything about it is read until the evaluator has answered `finish`. */
  beginClearing(command: ClearCommand, listener: ClearingListener): void {
    this.reading = this.reading.then(() => this.readClearing(listener));
    this.attempt(() => this.command(command));
  }

  /** Ends the clearing at the evaluator; it stays ready for the next one. */
  finishClearing(): void {
    this.attempt(() => this.command({ type: "finish" }));
  }

  /** Sends a part of one of the streams of order shares. */
  async sendShares(stream: number, part: Uint8Array): Promise<void> {
    await sendBytes(this.link, TAGS.orders + stream, part);
  }

  /** Fetches what an attempt led to: the bytes of the orders' shares and of the suppliers'. */
  async fetch(
    attempt: number,
    orderBytes: number,
    supplierBytes: number,
  ): Promise<readonly [orders: Uint8Array, suppliers: Uint8Array]> {
    this.command({ type: "fetch", attempt });
    return Promise.all([
      receiveBytes(this.link, TAGS.orderResults, orderBytes),
      receiveBytes(this.link, TAGS.supplierResults, supplierBytes),
    ]);
  }

  close(error?: ChannelError): void {
    this.link.close(error);
  }

  private async readClearing(listener: ClearingListener): Promise<void> {
    try {
      for (;;) {
        const answer = await this.receive();
        if (answer.type === "finished") return;
        listener.answered(answer);
      }
    } catch (error) {
      listener.lost(messageOf(error));
      // Whatever was no link's end was no proper answer.
      this.link.close();
    }
  }

  /** Does what fails only if the link has ended, which the reading of answers reports. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
    }
  }

  private async receive(): Promise<Answer> {
    return decodeJson(answerSchema, await this.link.receiveFrame(TAGS.commands, MAX_JSON_BYTES));
  }

  private failure(message: string): EvaluatorFailedError {
    return new EvaluatorFailedError(`${this.link.peer}: ${message}`);
  }
}
