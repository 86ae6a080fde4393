// The bounds of LIMITS that hold for a service over HTTPS.

export type HttpsLimits = {
  readonly [name in
    | "connections"
    | "handshakeMs"
    | "headersBytes"
    | "headers"
    | "headersMs"
    | "requestArrivalMs"
    | "keepAliveMs"
    | "idleConnectionMs"
    | "requestsInFlight"
    | "signedRequestsAtOnce"
    | "signedRequestsPerS"
    | "countedParties"
    | "signatureAgeS"]: number;
};
