// Orders for tests of the store, the same in every process.
import { createHash } from "node:crypto";
import type { NewOrder } from "./evaluator-store.ts";

export const PERIOD = 1_748_779_200;

export const digest = (text: string) => createHash("sha256").update(text).digest("hex");

export const meterOf = (number: number): string => digest(`meter ${number}`).slice(0, 32);

/** An order of a meter; `content` tells orders with the same sequence number apart. */
export function orderOf(
  meter: number,
  sequence: number,
  content = "a",
  periodStart = PERIOD,
): NewOrder {
  const orderId = digest(`${meter} ${sequence} ${content}`);
  return {
    periodStart,
    meter: meterOf(meter),
    sequence,
    orderId,
    supplier: meter % 3,
    body: new TextEncoder().encode(`${orderId} body`.repeat(10)),
    evidence: `evidence of ${orderId}`,
    receivedMs: periodStart * 1000,
  };
}
