// Thousands of requests that an evaluator must refuse, by chance from a seed, over real HTTPS to a service with a real
// store: each is answered with its problem, nothing of them is kept, and those who do right notice nothing.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  EVALUATOR,
  METER,
  PERIOD,
  TestService,
} from "../../src/evaluator/http/http-service.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import {
  codeOfProblem,
  PROBLEM_MEDIA_TYPE,
  type Problem,
  type ProblemCode,
  problemSchema,
} from "../../src/wire/problems.ts";
import { type SignedReceipt, signedReceiptSchema } from "../../src/wire/records.ts";
import { drawsFrom } from "../adversary/draws.test-helper.ts";
import {
  type FuzzedRequest,
  type FuzzMaterial,
  fuzzedRequest,
  nameOf,
} from "./fuzzed-requests.test-helper.ts";
import { type RawAnswer, RawClient } from "./raw-requests.test-helper.ts";

const REQUESTS = 10_000;
const SEED = 20_250_601;
const CLIENTS = 16;
/** More than this for one answer is a request that hangs. */
const PATIENCE_MS = 10_000;
const HOSTILE = "b".repeat(32);
const WARNING = 40;

/** Among the reasons of refusal there are these: requests are refused for what they are. */
const REASONS: readonly ProblemCode[] = [
  "bad-signature",
  "malformed-order",
  "malformed-request",
  "method-not-allowed",
  "not-found",
  "signature-expired",
  "signature-missing",
  "too-large",
  "unknown-certificate",
  "unknown-period",
  "wrong-content-type",
  "wrong-evaluator",
  "wrong-market",
  "wrong-meter",
  "wrong-period",
];

/** The problem that a request was refused with, or what is wrong with how it was answered. */
function refusalIn(answer: RawAnswer | null): Problem | string {
  if (answer === null) return "no answer";
  const { status, headers, body } = answer;
  if (status < 400 || status > 499) return `status ${status}: ${body}`;
  const type = headers["content-type"];
  if (type !== PROBLEM_MEDIA_TYPE) return `answered as ${type}`;
  const problem = problemSchema.safeParse(JSON.parse(body)).data;
  return problem?.status === status ? problem : `status ${status} with ${body}`;
}

/** Sends requests until there are none left: what was wrong with answers, and all reasons of refusal. */
async function sendAll(service: TestService, take: () => Promise<FuzzedRequest> | null) {
  const client = new RawClient(service.port, service.authority.certificatePem);
  const wrong: string[] = [];
  const reasons: ProblemCode[] = [];
  for (let next = take(); next !== null; next = take()) {
    const request = await next;
    const inTime = systemClock.timer(PATIENCE_MS, () => client.close());
    const refusal = refusalIn(await client.exchange(request.bytes, request.alone));
    inTime();
    if (typeof refusal === "string") wrong.push(`${nameOf(request)}: ${refusal}`);
    else reasons.push(codeOfProblem(refusal));
  }
  client.close();
  return { wrong, reasons };
}

/** What was logged as a warning or worse. */
const warnings = ({ logFile }: TestService): unknown[] =>
  readFileSync(logFile, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { level: number })
    .filter(({ level }) => level >= WARNING);

it(`refuses ${REQUESTS} requests that are not right, and serves those who do right`, async () => {
  // One meter sends most of them.
  const service = await TestService.start({ limits: { signedRequestsAtOnce: 2 * REQUESTS } });
  const honest = await service.meter();
  const hostile = await service.meter(HOSTILE);
  const orders = [1, 2].map((sequence) => service.body({ sequence }));
  const submitted = async (body: Uint8Array): Promise<[number, SignedReceipt]> => {
    const { status, json } = await service.submit(honest, body);
    return [status, signedReceiptSchema.parse(json)];
  };
  const [status, { receipt }] = await submitted(orders[0]!);
  expect([status, receipt]).toMatchObject([201, { meter: METER, sequence: 1 }]);

  const material: FuzzMaterial = {
    signer: hostile,
    evaluator: EVALUATOR,
    periodStart: PERIOD,
    bodies: [1, 2, 3].map((sequence) => service.body({ meter: HOSTILE, sequence })),
  };
  let left = REQUESTS;
  const take = () => {
    if (left === 0) return null;
    left -= 1;
    // Each has a seed of its own: which client is faster changes nothing.
    return fuzzedRequest(drawsFrom(SEED + left), material);
  };
  const clients = Array.from({ length: CLIENTS }, () => sendAll(service, take));
  const answers = await Promise.all(clients);
  expect(answers.flatMap(({ wrong }) => wrong).slice(0, 20)).toEqual([]);
  const reasons = answers.flatMap((one) => one.reasons);
  expect(reasons.length).toBe(REQUESTS);
  expect(REASONS.filter((reason) => !reasons.includes(reason))).toEqual([]);

  // Nothing failed inside, nothing of it is kept, and what was kept is as it was.
  expect(warnings(service)).toEqual([]);
  expect(await service.store.orderEntries(PERIOD)).toEqual([
    { meter: METER, sequence: 1, orderId: receipt.order, supplier: 1 },
  ]);
  const [again, same] = await submitted(orders[0]!);
  expect([again, same.receipt]).toEqual([200, receipt]);
  const [next, later] = await submitted(orders[1]!);
  expect([next, later.receipt.sequence]).toEqual([201, 2]);
  // What the changed ones were made from is right.
  for (const body of material.bodies) {
    expect((await service.submit(hostile, body)).status).toBe(201);
  }
});
