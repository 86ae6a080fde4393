// What every part of the store's contract speaks of: orders, or readings, as they come, and the right to lead.
// Starts of periods are seconds since 1970 UTC, times milliseconds since then.

export interface NewOrder {
  readonly periodStart: number;
  readonly meter: string;
  readonly sequence: number;
  readonly orderId: string;
  /** The supplier that the meter's certificate names. */
  readonly supplier: number;
  /** As it was received (wire/order-body.ts). */
  readonly body: Uint8Array;
  /** The signed request: what the meter cannot deny. */
  readonly evidence: string;
  readonly receivedMs: number;
}

export type AddOrderResult =
  | "accepted"
  /** The same order is there already. */
  | "known"
  /** Another order with the same sequence number is there. */
  | "conflict"
  /** An order with a higher sequence number is there. */
  | "stale"
  /** The gate of the period is closed. */
  | "closed"
  /** The meter has replaced its order too often. */
  | "too-many";

/** An order's name, without its content. */
export interface OrderEntry {
  readonly meter: string;
  readonly sequence: number;
  readonly orderId: string;
  readonly supplier: number;
}

/** The right to lead: the store refuses what a process writes under an older number. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly fence: number;
}

/** A newer leader has taken over: this process must stop leading. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}
