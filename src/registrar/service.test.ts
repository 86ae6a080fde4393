// The registrar's service over real HTTPS: enrolment by code, also when it is tried twice at once, and every refusal.
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { connect } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { EnrolmentError, enrolByCode } from "../client/enrol-by-code.ts";
import { createKeyAndRequest, supplierOf } from "../crypto/certificates.ts";
import { PartyVerifier } from "../crypto/party-verifier.ts";
import { readRevocations } from "../crypto/revocations.ts";
import { systemClock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import { ENROLMENT_PATH } from "../wire/enrolment.ts";
import type { HttpAnswer, HttpTransport } from "../wire/http-transport.ts";
import { PROBLEM_MEDIA_TYPE, problemSchema } from "../wire/problems.ts";
import { openedMarket } from "./markets.test-helper.ts";
import type { Registrar } from "./registrar.ts";
import { startRegistrar } from "./service.ts";

interface Served {
  readonly folder: string;
  readonly registrar: Registrar;
  readonly url: string;
  readonly send: HttpTransport;
}

async function served(): Promise<Served> {
  const { folder, registrar } = await openedMarket();
  const http = { host: "127.0.0.1", port: 0 };
  const running = await startRegistrar({ market: folder, http, log_level: "error" });
  onTestFinished(() => running.stop());
  const url = `https://127.0.0.1:${running.port}`;
  return { folder, registrar, url, send: transportOf(registrar.authorityPem) };
}

/** Over HTTPS to whoever has a certificate of the authority for that address. */
const transportOf =
  (ca: string): HttpTransport =>
  ({ url, method, headers, body }) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const sent = httpsRequest(url, { method, headers, ca, agent: false }, (response) => {
        const chunks: Uint8Array[] = [];
        response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks),
          }),
        );
      });
      sent.once("error", reject);
      sent.end(body);
    });

const get = ({ send, url }: Served, path: string) =>
  send({ method: "GET", url: `${url}${path}`, headers: {} });
const post = ({ send, url }: Served, body: string, type = "application/json") =>
  send({
    method: "POST",
    url: `${url}${ENROLMENT_PATH}`,
    headers: { "content-type": type },
    body: Buffer.from(body),
  });
const textOf = ({ body }: HttpAnswer) => Buffer.from(body).toString();
const newRequest = async () => (await createKeyAndRequest("new-meter")).requestPem;

/** The problem's code, after a look at everything else that an answer with problem details has. */
function problemIn(answer: HttpAnswer): string {
  expect(answer.headers["content-type"]).toBe(PROBLEM_MEDIA_TYPE);
  const problem = problemSchema.parse(JSON.parse(textOf(answer)));
  expect(problem.status).toBe(answer.status);
  expect(problem.detail).not.toBe("");
  return problem.type.replace("urn:hushwatt:problem:", "");
}

describe("the registrar's service", () => {
  it("shows the market, the list of revoked certificates, and that it lives", async () => {
    const service = await served();
    const market = await get(service, "/v1/market");
    expect(textOf(market)).toBe(readFileSync(join(service.folder, "market.json"), "utf8"));
    expect(market.headers["content-type"]).toMatch(/^application\/json/);
    expect(JSON.parse(textOf(await get(service, "/health")))).toEqual({ status: "ok" });
    const { authorityPem } = service.registrar;
    const issued = await service.registrar.enrol(await newRequest(), "new-meter", { supplier: 0 });
    await service.registrar.revoke(issued.party);
    const list = await readRevocations(textOf(await get(service, "/v1/revocations")), authorityPem);
    expect(list.serials.size).toBe(1);
  });

  it("enrols browsers at a listener of their own, whatever page asks", async () => {
    const { folder, registrar } = await openedMarket();
    const web = { host: "127.0.0.1", port: 0 };
    const running = await startRegistrar({ market: folder, http: web, web, log_level: "error" });
    onTestFinished(() => running.stop());
    const url = `http://127.0.0.1:${running.webPort}${ENROLMENT_PATH}`;
    const asked = await fetch(url, { method: "OPTIONS" });
    expect([asked.status, asked.headers.get("access-control-allow-headers")]).toEqual([
      204,
      "content-type",
    ]);
    const [code] = registrar.createCodes(1, 1, 1);
    const { requestPem } = await createKeyAndRequest("new-meter");
    const sent = async (body: object) => {
      const headers = { "content-type": "application/json" };
      return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    };
    const answer = await sent({ code, request: requestPem });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
    expect(await answer.json()).toMatchObject({ supplier: 1 });
    const refused = await sent({ code: "0000-0000-0000-0000-0000", request: requestPem });
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    expect(refused.status).toBe(403);
  });

  it("speaks TLS 1.3 only", async () => {
    const { url, registrar } = await served();
    const port = Number(new URL(url).port);
    const old = new Promise((resolve, reject) => {
      const ca = registrar.authorityPem;
      const options = { host: "127.0.0.1", port, ca, maxVersion: "TLSv1.2" } as const;
      connect(options, () => resolve("connected")).once("error", reject);
    });
    await expect(old).rejects.toThrow(/version|alert/i);
  });

  it("exchanges a code for a certificate, and the same again for the same key", async () => {
    const { registrar, send, url } = await served();
    const [code] = registrar.createCodes(1, 1, 1);
    const { requestPem: request } = await createKeyAndRequest("new-meter");
    const answer = await enrolByCode(send, url, { code: code!.toLowerCase(), request });
    expect([answer.supplier, supplierOf(answer.certificate)]).toEqual([1, 1]);
    const der = Buffer.from(answer.certificate.replace(/-----[^-]+-----|\s/g, ""), "base64");
    const verifier = new PartyVerifier(registrar.authorityPem);
    const known = verifier.check(new Uint8Array(der), systemClock.utcMs());
    expect(known.party).toEqual({ role: "meter", id: answer.id });
    expect(await enrolByCode(send, url, { code: code!, request })).toEqual(answer);
    const other = enrolByCode(send, url, { code: code!, request: await newRequest() });
    await expect(other).rejects.toMatchObject({ name: EnrolmentError.name, code: "used-code" });
    expect(registrar.meters).toBe(1);
  });

  it("gives one certificate for one code, even to many at once", async () => {
    const { registrar, send, url } = await served();
    const codes = registrar.createCodes(0, 5, 1);
    for (const code of codes) {
      const requests = await Promise.all(Array.from({ length: 4 }, newRequest));
      // Each asks twice: at best one of the four keys is enrolled, with the same answer both times.
      const all = await Promise.allSettled(
        [...requests, ...requests].map((request) => enrolByCode(send, url, { code, request })),
      );
      const certificates = all.flatMap((one) =>
        one.status === "fulfilled" ? one.value.certificate : [],
      );
      expect(certificates.length).toBe(2);
      expect(new Set(certificates).size).toBe(1);
      for (const one of all) {
        if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "used-code" });
      }
      // Refusals count as failures of this address: see the next test.
      if (code === codes[2]) break;
    }
    expect(registrar.meters).toBe(3);
  });

  it("lets nobody fail again and again", async () => {
    const service = await served();
    const [code] = service.registrar.createCodes(0, 1, 1);
    const guess = { code: "0000-0000-0000-0000-0000", request: await newRequest() };
    for (let i = 0; i < LIMITS.failedEnrolments; i++) {
      expect(problemIn(await post(service, JSON.stringify(guess)))).toBe("unknown-code");
    }
    const refused = await post(service, JSON.stringify({ ...guess, code }));
    expect(problemIn(refused)).toBe("too-many-requests");
    const waitS = Number(refused.headers["retry-after"]);
    expect(waitS).toBeGreaterThan(0);
    expect(waitS).toBeLessThanOrEqual(LIMITS.failedEnrolmentsMs / 1000);
    expect(service.registrar.meters).toBe(0);
  });

  it("says what is wrong with everything else", async () => {
    const service = await served();
    const [code] = service.registrar.createCodes(0, 1, 1);
    const request = await newRequest();
    const answers = await Promise.all([
      post(service, "nonsense"),
      post(service, "[]"),
      post(service, JSON.stringify({ code })),
      post(service, JSON.stringify({ code, request, more: 1 })),
      post(service, JSON.stringify({ code, request: request.replace(/\n[^-]{8}/, "\n") })),
      post(service, JSON.stringify({ code, request: "x".repeat(LIMITS.enrolmentBytes) })),
      post(service, JSON.stringify({ code, request }), "text/csv"),
      get(service, "/v1/enrolments"),
      get(service, "/v2/market"),
    ]);
    expect(answers.map(problemIn)).toEqual([
      ...Array(5).fill("malformed-request"),
      "too-large",
      "wrong-content-type",
      "not-found",
      "not-found",
    ]);
    expect((await get(service, "/health")).status).toBe(200);
    expect(service.registrar.meters).toBe(0);
  });

  it("does not start for a market that names no registrar", async () => {
    const { folder } = await openedMarket({ registrar: null });
    const http = { host: "127.0.0.1", port: 0 };
    const started = startRegistrar({ market: folder, http, log_level: "error" });
    await expect(started).rejects.toThrow("no registrar's address");
  });
});
