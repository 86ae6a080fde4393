// A link: the ordered, authenticated, encrypted connection between two parties, as the layers above
// see it (tls.ts between processes, memory.ts within one). A tag (u32) names one message; a long
// one travels as several frames (see wire/frame.ts) of that tag. A tag may be used again: messages
// of one tag are received in the order they were sent.

export type ChannelErrorCode =
  | "peer-closed" // the other side ended the connection
  | "peer-silent" // awaited bytes did not arrive within the limit
  | "unreachable" // no connection until the deadline
  | "unauthenticated" // certificate missing, not from this market, or not of the expected party
  | "protocol" // malformed frame, or more bytes than the message has
  | "flooded" // more early bytes queued than the limit allows
  | "closed"; // this side closed the link

export class ChannelError extends Error {
  override readonly name = "ChannelError";
  readonly code: ChannelErrorCode;
  constructor(code: ChannelErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Receives the payload of one message piece by piece; `offset` is the position of `piece` in the
 * message.
 */
export type Sink = (piece: Uint8Array, offset: number) => void;

export interface LinkStats {
  /** Frames and payload plus headers, before encryption. */
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly framesReceived: number;
  readonly bytesReceived: number;
}

export interface Link {
  /** The party at the other end, e.g. "evaluator-1". */
  readonly peer: string;
  readonly stats: LinkStats;
  /**
   * Queues one frame of at most LIMITS.framePayloadBytes; it leaves at the end of the current turn
   * of the event loop. The payload is copied before the call returns. Throws
   * ChannelError when the link has ended.
   */
  send(tag: number, payload: Uint8Array): void;
  /** Resolves at once while the send queue is short, else when it has drained. */
  drained(): Promise<void>;
  /**
   * Hands `byteLength` bytes of the message `tag` to `sink` as they arrive (a piece is only valid
   * during the call) and resolves when all have come. Bytes that came before are handed over during
   * this call; none are awaited when `byteLength` is 0. At most one receive per tag. Rejects with
   * ChannelError when the link ends, also because no byte of any message arrives for the silence
   * limit while this one is awaited; with the exception of `sink` when that throws, which ends the
   * link. What the peer sent in full before it closed can still be received.
   */
  receive(tag: number, byteLength: number, sink: Sink): Promise<void>;
  /**
   * Like receive, for a message of one frame whose length only the sender knows (at most
   * `maxBytes`).
   */
  receiveFrame(tag: number, maxBytes: number): Promise<Uint8Array>;
  /** Ends the link; pending and later receives reject with code "closed" (or with `error`). */
  close(error?: ChannelError): void;
  /** Resolves with the reason once the link has ended, whoever ended it. Awaiting it is no receive. */
  whenEnded(): Promise<ChannelError>;
}
