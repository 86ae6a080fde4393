// Every bound of the platform in one place: sizes, counts and durations that protect a party from a
// slow, broken or hostile peer. Code that needs another value in a test takes it as an option.

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  /** Largest payload of one frame; a longer message travels as several frames of the same tag. */
  framePayloadBytes: 256 * KIB,
  /** Bytes a link keeps for messages that nobody awaits yet; more ends the link as "flooded". */
  earlyBytes: 768 * MIB,
  /**
   * Charged against `earlyBytes` for each queued frame besides its payload, so empty frames count.
   */
  earlyFrameOverheadBytes: 128,
  /**
   * An early piece smaller than this is copied, so that it does not keep a whole read chunk alive.
   */
  earlyCopyBytes: 4 * KIB,
  /** How long a link with a pending receive may go without a single arriving byte. */
  silenceMs: 30_000,
  /** How long an operator may leave an evaluator without a command, and may wait for its answer. */
  idleOperatorMs: 24 * 3600 * 1000,
  answerMs: 15 * 60 * 1000,
  /** After silence, a last chance for bytes that have arrived but were not read yet. */
  silenceConfirmMs: 50,
  /** How long connect() tries before it gives up, unless told otherwise. */
  connectDeadlineMs: 60_000,
  /** First and longest pause between two attempts to connect; it doubles from one to the other. */
  connectBackoffFirstMs: 50,
  connectBackoffLongestMs: 1_000,
  /** From the accepted or opened connection to the end of the mutual handshake. */
  handshakeMs: 10_000,
  /** How long a closing link waits for its last bytes to leave before it cuts the connection. */
  closeGraceMs: 2_000,
  /** Bytes waiting to be sent above which drained() makes the sender wait, and where it resumes. */
  sendHighWaterBytes: 4 * MIB,
  sendLowWaterBytes: 1 * MIB,
  /** Frames are gathered in buffers of this size; a full one is written at once. */
  sendBufferBytes: 128 * KIB,
  /** Buffers a link keeps for reuse. */
  spareSendBuffers: 32,
  /** Orders of one period: a draw of the priority order times this is still exact in a double. */
  orders: 2 ** 21,
  /** Connections one listener holds at a time. */
  connections: 8_192,
} as const;

/** Settings of every TLS connection: one version, and suites in order of preference. */
export const TLS_SETTINGS = {
  version: "TLSv1.3",
  cipherSuites: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
  curve: "X25519",
  /** Application protocol (ALPN): the frames of wire/frame.ts, version 1. */
  protocol: "hushwatt/1",
} as const;
