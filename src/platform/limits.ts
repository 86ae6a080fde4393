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
  /** How long a client waits for the answer to one request over HTTPS, and the largest that it takes. */
  requestMs: 10_000,
  answerBytes: 32 * MIB,
  /** First and longest pause before a client sends a request again; it doubles from one to the other. */
  requestBackoffFirstMs: 250,
  requestBackoffLongestMs: 15_000,
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
  /**
   * Orders that wait at least before evaluators prepare them for clearing while the gate is open: fewer take
   * moments when it is closed. At most so many are prepared at once.
   */
  leastPrepared: 256,
  mostPrepared: 2 ** 14,
  /** How often evaluators look whether orders wait to be prepared. */
  preparingMs: 1_000,
  /** Orders that a meter may send for one period, one replacing the other. */
  orderVersions: 16,
  /** Largest message among evaluators about a period: the list of rejected orders is the longest. */
  periodMessageBytes: 32 * MIB,
  /** By how much an evaluator's gate may close early because another one's clock is ahead. */
  clockSkewMs: 5_000,
  /** How long a leader leads without renewing. */
  leaseMs: 3_000,
  /** How often lists of revoked certificates are read again. */
  revocationsMs: 10_000,
  /** How often renewed certificates for browsers are looked for. */
  webCertificateMs: 60 * 60 * 1000,
  /** Connections one listener holds at a time. */
  connections: 8_192,
  /** What a server of HTTPS takes: the headers of one request, and how long it may take to arrive. */
  headersBytes: 16 * KIB,
  headers: 64,
  headersMs: 10_000,
  requestArrivalMs: 15_000,
  /** How long a connection may do nothing, between two requests and at all. */
  keepAliveMs: 30_000,
  idleConnectionMs: 60_000,
  /** Requests that a service answers at a time; more are told to come again. */
  requestsInFlight: 6_144,
  /** Orders that wait to be stored, how many are stored at a time, and how long they wait for each other. */
  ordersWaiting: 4_096,
  ordersAtOnce: 512,
  ordersGatherMs: 8,
  /** Signed requests of one party: how many at once, and how many each second from then on. */
  signedRequestsAtOnce: 60,
  signedRequestsPerS: 10,
  /** Parties whose requests are counted. */
  countedParties: 65_536,
  /** An enrolment: the longest body, and how many failed ones a client's address has in a span of time. */
  enrolmentBytes: 8 * KIB,
  failedEnrolments: 20,
  failedEnrolmentsMs: 60_000,
  /** How often the registrar's service signs the list of revoked certificates anew. */
  revocationSigningMs: 24 * 3600 * 1000,
  /** How far the time of a signed request may be from this evaluator's. */
  signatureAgeS: 300,
  /** Records of periods in one answer. */
  recordsPerAnswer: 500,
  /** Periods whose tree of orders is kept: 64 bytes per order. */
  keptTrees: 4,
} as const;

/** Settings of every TLS connection: one version, and suites in order of preference. */
export const TLS_SETTINGS = {
  version: "TLSv1.3",
  cipherSuites: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
  curve: "X25519",
  /** Application protocol (ALPN): the frames of wire/frame.ts, version 1. */
  protocol: "hushwatt/1",
} as const;
