// What enrolment in a browser takes, whoever enrols.
import type { Party } from "../../../src/crypto/party.ts";
import { type Engine, engine, market } from "./feed.ts";

type Role = Extract<Party["role"], "meter" | "supplier">;

/** A key that the browser holds and never gives away, not enrolled yet. */
export async function newDeviceKey({ createDeviceKey, requestFor }: Engine, role: Role) {
  const keys = await createDeviceKey();
  return { keys, requestPem: await requestFor(keys, role), enrolled: null };
}

/**
 * A certificate for a one-time code. Again after a failure, with the same request, the registrar gives the same one.
 * Rejects with EnrolmentError or TransportError.
 */
export function certificateByCode(code: string, request: string, role: Role) {
  const url = market.value!.registrar?.web;
  if (url === undefined) throw new Error("this market has no registrar for browsers");
  const { enrolByCode, fetchTransport } = engine.value!;
  return enrolByCode(fetchTransport(), url, { code, request, role });
}
