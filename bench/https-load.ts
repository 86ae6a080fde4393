// A client that costs little, for load on the same machine: requests are bytes that were made before, and of answers
// only status and length are read. One request at a time on each connection, as of so many gateways.
import { connect, type TLSSocket } from "node:tls";
import { TLS_SETTINGS } from "../src/platform/limits.ts";

/** A request as it goes over the wire. */
export function requestBytes(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Buffer {
  const lines = [
    `${method} ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

interface Waiting {
  readonly request: Buffer;
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
}

/** Connections to one server. */
export class HttpsLoad {
  private readonly waiting: Waiting[] = [];
  private readonly idle: Connection[] = [];
  private readonly all: Connection[];

  private constructor(connections: readonly Connection[]) {
    this.all = [...connections];
    this.idle.push(...connections);
  }

  static async open(url: URL, authorityPem: string, connections: number): Promise<HttpsLoad> {
    const opened = Array.from({ length: connections }, () => Connection.open(url, authorityPem));
    return new HttpsLoad(await Promise.all(opened));
  }

  /** Sends a request when a connection is free; resolves with the status of the whole answer. */
  send(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      this.next();
    });
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  private next(): void {
    const connection = this.idle.pop();
    if (connection === undefined) return;
    const one = this.waiting.shift();
    if (one === undefined) {
      this.idle.push(connection);
      return;
    }
    connection.exchange(
      one.request,
      (status) => {
        this.idle.push(connection);
        one.resolve(status);
        this.next();
      },
      one.reject,
    );
  }
}

class Connection {
  private readonly socket: TLSSocket;
  private received = "";
  private onAnswer: ((status: number) => void) | null = null;
  private onError: ((error: Error) => void) | null = null;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.read(text));
    socket.on("error", (error) => this.onError?.(error));
    socket.on("close", () => this.onError?.(new Error("the server ended the connection")));
  }

  static open(url: URL, authorityPem: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(
        {
          host: url.hostname,
          port: Number(url.port),
          ca: authorityPem,
          minVersion: TLS_SETTINGS.version,
          checkServerIdentity: () => undefined,
        },
        () => resolve(new Connection(socket)),
      );
      socket.once("error", reject);
    });
  }

  exchange(
    request: Buffer,
    onAnswer: (status: number) => void,
    onError: (error: Error) => void,
  ): void {
    this.onAnswer = onAnswer;
    this.onError = onError;
    this.socket.write(request);
  }

  close(): void {
    this.onError = null;
    this.socket.destroy();
  }

  private read(text: string): void {
    this.received += text;
    const head = this.received.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.received)?.[1];
    if (length === undefined) {
      this.onError?.(new Error("an answer has no length"));
      return;
    }
    if (this.received.length < head + 4 + Number(length)) return;
    const status = Number(this.received.slice(9, 12));
    this.received = "";
    this.onError = null;
    this.onAnswer?.(status);
  }
}
