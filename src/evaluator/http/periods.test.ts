// What evaluators say about periods over HTTPS: public records and proofs, and shares of results to their owners only.
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import { agreedOf, orderLeaf, verifyInclusion } from "../../wire/merkle.ts";
import { type Decision, type SignedDecision, textOfPeriod } from "../../wire/records.ts";
import {
  EVALUATOR,
  GATE,
  PERIOD,
  PERIOD_S,
  periodPath,
  problem,
  TestService,
} from "./http-service.test-helper.ts";

const METERS = ["a1", "b2", "c3", "d4", "e5"].map((start) => start.padEnd(32, "0"));
const STRANGER = "ff".padEnd(32, "0");

const entries: readonly OrderEntry[] = METERS.map((meter, i) => ({
  meter,
  sequence: 1,
  orderId: nodePrimitives
    .sha256(Buffer.from(meter))
    .reduce((hex, byte) => hex + byte.toString(16).padStart(2, "0"), ""),
  supplier: i % 2,
}));
const agreed = agreedOf(nodePrimitives, entries);

const decisionOf = (more: Partial<Decision> = {}, start = PERIOD): SignedDecision => ({
  decision: {
    market: "rosenweg",
    period: textOfPeriod(start),
    attempt: 3,
    outcome: "cleared",
    reason: null,
    agreed,
    members: [0, 1, 2],
    active: [0, 1, 2],
    traded: true,
    priceTick: 1234,
    coin: null,
    rejected: [1],
    revealedSuppliers: [true, false, true],
    ...more,
  },
  signatures: [],
});

const bytes = (length: number, first: number) => Uint8Array.from({ length }, (_, i) => first + i);

/** Lets a period be decided, with shares that can be told from each other. */
async function decide(service: TestService, signed = decisionOf(), size = 16, withResults = true) {
  const { store } = service;
  const lease = await service.lease();
  await store.closePeriod(lease, PERIOD);
  await store.promise(lease, PERIOD, 3);
  if (withResults) {
    await store.saveAgreed(lease, PERIOD, agreed, entries);
    const orderShares = bytes(size * METERS.length, 0);
    const supplierShares = bytes(2 * size * 2, 100);
    const results = { attempt: 3, orderShares, supplierShares };
    await store.prepare(lease, PERIOD, 3, signed.decision, results);
  }
  await store.decide(lease, PERIOD, signed);
}

const base64 = (value: Uint8Array) => Buffer.from(value).toString("base64");

describe("the public record of a period", () => {
  it("tells how far it is", async () => {
    const service = await TestService.start();
    const record = async () => (await service.request("GET", periodPath())).json;
    expect(await record()).toEqual({
      period: "2025-06-01T12:00:00Z",
      state: "open",
      gateClosure: "2025-06-01T11:30:00Z",
      deadline: "2025-06-01T11:45:00Z",
      attempts: 0,
      agreed: null,
      decision: null,
    });
    service.time.nowS = GATE;
    expect((await record()).state).toBe("closed");
    await decide(service);
    expect(await record()).toMatchObject({
      state: "published",
      attempts: 3,
      agreed,
      decision: decisionOf(),
    });
  });

  it("is there for the market's periods only", async () => {
    const service = await TestService.start();
    const get = async (text: string) =>
      problem(await service.request("GET", `/v1/periods/${text}`));
    expect((await get("2025-06-01T12:00:01Z"))[0]).toBe("unknown-period");
    expect((await get("2025-05-31T12:00:00Z"))[0]).toBe("unknown-period");
    expect(await get("2025-07-01T12:00:00Z")).toEqual([
      "unknown-period",
      "nothing is known of 2025-07-01T12:00:00Z yet",
    ]);
    for (const text of ["yesterday", "2025-13-01T12:00:00Z", "2025-02-30T12:00:00Z"]) {
      expect(await get(text)).toEqual([
        "malformed-request",
        "a period is written like 2025-06-01T12:15:00Z",
      ]);
    }
  });

  it("is listed with others, the newest first", async () => {
    const service = await TestService.start({ limits: { recordsPerAnswer: 4 } });
    const lease = await service.lease();
    for (let i = 0; i < 6; i++) await service.store.closePeriod(lease, PERIOD + i * PERIOD_S);
    const list = async (query: string) =>
      (await service.request("GET", `/v1/periods${query}`)).json.map(
        ({ period }: { period: string }) => period.slice(11, 16),
      );
    expect(await list("")).toEqual(["13:15", "13:00", "12:45", "12:30"]);
    expect(await list("?limit=2")).toEqual(["13:15", "13:00"]);
    expect(await list("?limit=5000")).toHaveLength(4);
    expect(await list("?to=2025-06-01T12:45:00Z")).toEqual(["12:30", "12:15", "12:00"]);
    expect(await list("?from=2025-06-01T13:00:00Z&limit=9")).toEqual(["13:15", "13:00"]);
    for (const query of [
      "?limit=0",
      "?limit=x",
      "?from=yesterday",
      "?form=x",
      "?limit=1&limit=2",
    ]) {
      expect(problem(await service.request("GET", `/v1/periods${query}`))[0]).toBe(
        "malformed-request",
      );
    }
  });
});

describe("a meter's result", () => {
  it("is for the meter that has signed", async () => {
    const service = await TestService.start();
    await decide(service);
    for (const [position, id] of METERS.entries()) {
      const reply = await service.signed(await service.meter(id), "GET", `${periodPath()}/result`);
      expect(reply.json).toEqual({
        period: textOfPeriod(PERIOD),
        attempt: 3,
        evaluator: EVALUATOR,
        position,
        order: entries[position]!.orderId,
        rejected: position === 1,
        share: position === 1 ? null : base64(bytes(16, 16 * position)),
      });
      expect(reply.headers["cache-control"]).toBe("no-store");
    }
    const other = await service.signed(
      await service.meter(STRANGER),
      "GET",
      `${periodPath()}/result`,
    );
    expect(other.json).toMatchObject({ position: null, order: null, rejected: false, share: null });
    const supplier = await service.signer({ role: "supplier", id: "0" });
    const refused = await service.signed(supplier, "GET", `${periodPath()}/result`);
    expect(problem(refused)[0]).toBe("wrong-role");
    expect(problem(await service.request("GET", `${periodPath()}/result`))[0]).toBe(
      "signature-missing",
    );
  });

  it("cannot be asked for with a request that another evaluator was sent", async () => {
    const service = await TestService.start();
    await decide(service);
    const path = `${periodPath()}/result`;
    const meter = await service.meter(METERS[0]);
    const headers = await service.signatureOf(meter, "GET", path, undefined, { evaluator: 0 });
    expect(problem(await service.request("GET", path, headers))[0]).toBe("wrong-evaluator");
    const redirected = { ...headers, "hushwatt-evaluator": "1" };
    expect(problem(await service.request("GET", path, redirected))[0]).toBe("bad-signature");
    const own = await service.signatureOf(meter, "GET", path);
    const next = `${periodPath(PERIOD + PERIOD_S)}/result`;
    expect(problem(await service.request("GET", next, own))[0]).toBe("bad-signature");
    expect((await service.request("HEAD", path, own)).status).toBe(401);
    expect(problem(await service.request("GET", `${path}?x=1`, own))[0]).toBe("bad-signature");
  });

  it("is one element long where sharing is Shamir's", async () => {
    const service = await TestService.start({ engine: "shamir" });
    await decide(service, decisionOf(), 8);
    const meter = await service.meter(METERS[2]);
    const { json } = await service.signed(meter, "GET", `${periodPath()}/result`);
    expect(json.share).toBe(base64(bytes(8, 16)));
  });

  it("is not there before the decision, in a void period, or where nothing was computed", async () => {
    const service = await TestService.start();
    const meter = await service.meter(METERS[0]);
    const ask = async () => problem(await service.signed(meter, "GET", `${periodPath()}/result`));
    expect(await ask()).toEqual([
      "not-decided",
      "the period 2025-06-01T12:00:00Z is not decided here yet",
    ]);
    const nothing = { agreed: null, traded: false, priceTick: null, rejected: [] };
    await decide(
      service,
      decisionOf({ ...nothing, outcome: "void", reason: "no-quorum", active: [] }),
      16,
      false,
    );
    expect(await ask()).toEqual([
      "period-void",
      "the period 2025-06-01T12:00:00Z is void (no-quorum): all energy goes through the suppliers",
    ]);
    const other = await TestService.start();
    await decide(other, decisionOf({ members: [0, 2], active: [0, 2] }), 16, false);
    const absent = await other.signed(
      await other.meter(METERS[0]),
      "GET",
      `${periodPath()}/result`,
    );
    expect(problem(absent)[0]).toBe("no-results");
  });
});

describe("a supplier's sums", () => {
  it("are for the supplier that has signed, unless withheld", async () => {
    const service = await TestService.start();
    await decide(service);
    const ask = async (id: string) =>
      service.signed(
        await service.signer({ role: "supplier", id }),
        "GET",
        `${periodPath()}/aggregate`,
      );
    const about = { period: textOfPeriod(PERIOD), attempt: 3, evaluator: EVALUATOR };
    const shares = [base64(bytes(32, 100)), null, base64(bytes(32, 132))];
    for (const [supplier, share] of shares.entries()) {
      const { json } = await ask(String(supplier));
      expect(json).toEqual({ ...about, supplier, withheld: share === null, share });
    }
    for (const id of ["3", "00", "x"]) {
      expect(problem(await ask(id))).toEqual([
        "wrong-role",
        `the market has no supplier ${id}; there are 0 to 2`,
      ]);
    }
    const meter = await service.signed(await service.meter(), "GET", `${periodPath()}/aggregate`);
    expect(problem(meter)[0]).toBe("wrong-role");
  });
});

describe("the proof that an order counted", () => {
  it("holds against the decision, for everybody who asks", async () => {
    const service = await TestService.start();
    const ask = (meter: string) => service.request("GET", `${periodPath()}/inclusion/${meter}`);
    expect(problem(await ask(METERS[0]!))[0]).toBe("not-decided");
    await decide(service);
    for (const { meter, orderId } of entries) {
      const { json } = await ask(meter);
      expect(json).toMatchObject({ period: textOfPeriod(PERIOD), agreed, meter, order: orderId });
      const leaf = orderLeaf(meter, orderId);
      const { position, path } = json;
      expect(verifyInclusion(nodePrimitives, leaf, position, agreed.count, path, agreed.root)).toBe(
        true,
      );
    }
    expect(problem(await ask(STRANGER))).toEqual([
      "no-order",
      "no order of this meter counted in 2025-06-01T12:00:00Z",
    ]);
    expect(problem(await ask("Meier"))[0]).toBe("malformed-request");
  });
});
