// Calls of an evaluator's API over real HTTP, against a server that answers what it is told to.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { readSignature, type Signer } from "../wire/http-signature.ts";
import { problemOf } from "../wire/problems.ts";
import { AnswerError, ApiError, EvaluatorApi } from "./evaluator-api.ts";
import { fetchTransport } from "./fetch-transport.ts";

const NOON = Date.parse("2025-06-01T12:00:00Z") / 1000;
const METER = "0123456789abcdef0123456789abcdef";
const ORDER = "ab".repeat(32);

const signer: Signer = {
  party: { role: "meter", id: METER },
  certificateDer: Uint8Array.of(48, 0),
  sign: async () => new Uint8Array(64).fill(7),
};

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

/** The API of evaluator 1 at a server that gives this answer, and what it was asked. */
async function asking(answer: Answer) {
  const asked: { request: IncomingMessage; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      asked.push({ request, body: Buffer.concat(chunks) });
      response.writeHead(answer.status ?? 200, answer.headers);
      response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { api: new EvaluatorApi({ evaluator: 1, url, send: fetchTransport() }), asked };
}

const receipt = {
  receipt: {
    market: "rosenweg",
    period: "2025-06-01T12:00:00Z",
    evaluator: 1,
    meter: METER,
    sequence: 3,
    order: ORDER,
  },
  signature: "AAAA",
};

it("signs what must be signed, for this evaluator", async () => {
  const { api, asked } = await asking({ status: 201, body: receipt });
  const body = Uint8Array.of(1, 2, 3);
  expect(await api.submitOrder(signer, NOON, body)).toEqual({ receipt, isNew: true });
  expect(await api.receipt(signer, NOON)).toEqual(receipt);
  const [submitted, repeated] = asked;
  expect(submitted!.body).toEqual(Buffer.from(body));
  expect(asked.map(({ request }) => `${request.method} ${request.url}`)).toEqual([
    "PUT /v1/periods/2025-06-01T12:00:00Z/order",
    "GET /v1/periods/2025-06-01T12:00:00Z/receipt",
  ]);
  for (const { request } of [submitted!, repeated!]) {
    const read = readSignature({
      method: request.method!,
      path: request.url!,
      headers: (name) => [request.headers[name]].flat().join(", ") || undefined,
    });
    expect(read.recipient).toBe(1);
    expect(read.keyId).toBe(`meter-${METER}`);
    expect(Math.abs(read.createdS - Date.now() / 1000)).toBeLessThan(60);
  }
});

it("asks for what it should", async () => {
  const { api, asked } = await asking({ body: [] });
  expect(await api.periods(NOON, NOON + 900, 5)).toEqual([]);
  expect(asked[0]!.request.url).toBe(
    "/v1/periods?from=2025-06-01T12%3A00%3A00Z&to=2025-06-01T12%3A15%3A00Z&limit=5",
  );
  expect(asked[0]!.request.headers.signature).toBeUndefined();
  expect(await api.market()).toBe("[]");
});

it("passes on what an evaluator says when it refuses", async () => {
  const problem = { type: "urn:hushwatt:problem:stale-sequence", title: "Stale", status: 409 };
  const { api } = await asking({
    status: 409,
    body: { ...problem, detail: "sequence 2 is\u0007 old" },
  });
  const error = await api.receipt(signer, NOON).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    status: 409,
    code: "stale-sequence",
    detail: "sequence 2 is  old",
  });
  const limited = await asking({
    status: 503,
    headers: { "retry-after": "7" },
    body: problemOf("busy", "later"),
  });
  await expect(limited.api.period(NOON)).rejects.toMatchObject({ retryAfterS: 7, code: "busy" });
  const gateway = await asking({ status: 502, body: "<html>" });
  await expect(gateway.api.period(NOON)).rejects.toMatchObject({
    status: 502,
    code: "unknown",
    message: "evaluator 1: it answered with HTTP status 502",
  });
});

it("refuses answers that are not what was asked for", async () => {
  const share = {
    period: "2025-06-01T12:00:00Z",
    attempt: 1,
    evaluator: 1,
    position: 0,
    order: ORDER,
    rejected: false,
    share: "AAAA",
  };
  const result = async (body: unknown) => (await asking({ body })).api.result(signer, NOON);
  expect(await result(share)).toEqual(share);
  await expect(result({ ...share, evaluator: 2 })).rejects.toThrow("that of another evaluator");
  await expect(result({ ...share, attempt: 0 })).rejects.toThrow(AnswerError);
  await expect(result({ ...share, extra: 1 })).rejects.toThrow(AnswerError);
  await expect(result("{")).rejects.toThrow(AnswerError);
  await expect(result({ ...share, period: "2025-06-01T12:15:00Z" })).rejects.toThrow(
    "evaluator 1 sent a wrong answer: it is about the period 2025-06-01T12:15:00Z",
  );
});
