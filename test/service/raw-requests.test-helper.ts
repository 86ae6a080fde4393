// Requests as bytes over TLS, right or wrong, and the answers to them; for tests of what a server does with both.
import { connect, type TLSSocket } from "node:tls";

export interface RawAnswer {
  readonly status: number;
  /** By name in small letters. */
  readonly headers: Readonly<Partial<Record<string, string>>>;
  readonly body: string;
}

const HEAD_END = "\r\n\r\n";

/** A request as it goes over the wire. */
export function requestBytes(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body?: Uint8Array,
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${target} HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body ?? Buffer.alloc(0)]);
}

/** A client that keeps its connection as long as the server does, and sends whatever it is given. */
export class RawClient {
  readonly #port: number;
  readonly #authorityPem: string;
  #socket: TLSSocket | null = null;
  #session: Buffer | undefined;

  constructor(port: number, authorityPem: string) {
    this.#port = port;
    this.#authorityPem = authorityPem;
  }

  /**
   * The answer to these bytes; null when the connection ended without one. `alone` is for bytes that may not be one
   * whole request: they have a connection of their own, and are said to be all there will be.
   */
  async exchange(bytes: Uint8Array, alone: boolean): Promise<RawAnswer | null> {
    if (alone) this.close();
    const socket = this.#socket ?? (await this.#open());
    this.#socket = socket;
    const answered = answerOn(socket);
    if (alone) socket.end(bytes);
    else socket.write(bytes);
    const answer = await answered;
    if (alone || answer === null || answer.headers.connection === "close") this.close();
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: "127.0.0.1",
        port: this.#port,
        ca: this.#authorityPem,
        checkServerIdentity: () => undefined,
        ...(this.#session === undefined ? {} : { session: this.#session }),
      });
      socket.setNoDelay(true);
      socket.on("session", (session) => {
        this.#session = session;
      });
      socket.once("secureConnect", () => resolve(socket));
      socket.on("error", reject);
    });
  }
}

/** The next answer on a connection. */
function answerOn(socket: TLSSocket): Promise<RawAnswer | null> {
  return new Promise((resolve) => {
    let text = "";
    const settle = (answer: RawAnswer | null) => {
      socket.off("data", onData).off("end", onEnd).off("close", onEnd);
      resolve(answer);
    };
    const onData = (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const answer = answerIn(text);
      if (answer !== null) settle(answer);
    };
    const onEnd = () => settle(null);
    socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  });
}

/** The answer that a text begins with, once it is there as a whole. */
function answerIn(text: string): RawAnswer | null {
  const headLength = text.indexOf(HEAD_END);
  if (headLength < 0) return null;
  const [first, ...lines] = text.slice(0, headLength).split("\r\n");
  const rest = text.slice(headLength + HEAD_END.length);
  const status = Number(first?.split(" ")[1]);
  // "Go on" is not the answer yet.
  if (status === 100) return answerIn(rest);
  const headers: RawAnswer["headers"] = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const length = Number(headers["content-length"] ?? 0);
  return rest.length < length ? null : { status, headers, body: rest.slice(0, length) };
}
