// Readings, settlements, months and bills over HTTPS: what is taken and when, what is refused and with which words, and
// who may see which share.
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { verifySignature } from "../../crypto/signing-key.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { textOfPeriod } from "../../wire/records.ts";
import {
  readingReceiptBytes,
  type Settlement,
  signedReadingReceiptSchema,
} from "../../wire/settlement-records.ts";
import {
  EVALUATOR,
  METER,
  PERIOD,
  PERIOD_S,
  periodPath,
  problem,
  TestService,
} from "./http-service.test-helper.ts";

const OTHER_METER = "ffeeddccbbaa99887766554433221100";
const DELIVERED = PERIOD + PERIOD_S;
/** Midnight in Berlin, and five days later. */
const JULY = Date.parse("2025-06-30T22:00:00Z") / 1000;
const CLOSURE = JULY + 5 * 86_400;
const MAY_31 = Date.parse("2025-05-31T22:00:00Z") / 1000;

async function startedAt(nowS: number, limits = {}) {
  const service = await TestService.start({ settlement: true, limits });
  service.time.nowS = nowS;
  return { service, meter: await service.meter() };
}

describe("a reading", () => {
  it("is taken from the end of delivery until its month is closed, and confirmed", async () => {
    const { service, meter } = await startedAt(DELIVERED - 0.001);
    const body = service.reading();
    expect(problem(await service.read(meter, body))).toEqual([
      "not-delivered",
      `readings of ${textOfPeriod(PERIOD)} are taken from ${textOfPeriod(DELIVERED)} on`,
    ]);
    service.time.nowS = DELIVERED;
    const first = await service.read(meter, body);
    expect(first.status).toBe(201);
    const { receipt, signature } = signedReadingReceiptSchema.parse(first.json);
    expect(receipt).toEqual({
      market: "rosenweg",
      period: textOfPeriod(PERIOD),
      evaluator: EVALUATOR,
      meter: METER,
      sequence: 1,
      reading: (await service.store.lastReading(PERIOD, METER))?.orderId,
    });
    const { certificate } = (await service.request("GET", "/v1/identity")).json;
    const der = new X509Certificate(certificate).raw;
    const signed = Buffer.from(signature, "base64");
    expect(verifySignature(der, readingReceiptBytes(receipt), signed)).toBe(true);

    service.time.nowS = CLOSURE - 1;
    const corrected = service.reading({ sequence: 2 });
    expect((await service.read(meter, corrected)).status).toBe(201);
    service.time.nowS = CLOSURE;
    expect(problem(await service.read(meter, service.reading({ sequence: 3 })))).toEqual([
      "month-closed",
      "readings of this month are not taken any more",
    ]);
    // Its receipt was lost on the way.
    expect((await service.read(meter, corrected)).status).toBe(200);
    const asked = await service.signed(meter, "GET", `${periodPath()}/reading`);
    expect([asked.status, asked.json.receipt.sequence]).toEqual([200, 2]);
    expect((await service.store.readingEntries(PERIOD)).map(({ sequence }) => sequence)).toEqual([
      2, 1,
    ]);
    // No order has come of it.
    expect(await service.store.orderEntries(PERIOD)).toEqual([]);
    // Another evaluator's clock may be ahead: the leader closes the month a little early.
    service.time.nowS = CLOSURE - 1;
    await service.store.closeReadings(await service.lease(), service.market.firstPeriod);
    const late = await service.read(meter, service.reading({ sequence: 4 }));
    expect(problem(late)[0]).toBe("month-closed");
  });

  it("is corrected by a higher sequence number, a few times", async () => {
    const { service, meter } = await startedAt(DELIVERED, { orderVersions: 2 });
    const read = (sequence: number) => service.read(meter, service.reading({ sequence }));
    expect((await read(5)).status).toBe(201);
    expect(problem(await read(5))[0]).toBe("sequence-conflict");
    expect(problem(await read(4))).toEqual([
      "stale-sequence",
      "a reading with a higher sequence number is here; take a higher one",
    ]);
    expect((await read(6)).status).toBe(201);
    expect(problem(await read(7))[0]).toBe("too-many-replacements");
  });

  it("is refused if it is not for this market, meter, evaluator or period, or no reading", async () => {
    const { service, meter } = await startedAt(DELIVERED);
    const read = async (body: Uint8Array, start = PERIOD) =>
      problem(await service.read(meter, body, start));
    expect((await read(service.reading({ marketId: "elsewhere" })))[0]).toBe("wrong-market");
    expect(await read(service.reading({ meter: OTHER_METER }))).toEqual([
      "wrong-meter",
      "the reading names another meter than the one that signed",
    ]);
    const before = PERIOD - PERIOD_S;
    expect((await read(service.reading(), before))[0]).toBe("wrong-period");
    expect((await read(service.reading({ periodStart: PERIOD + 1 }), PERIOD + 1))[0]).toBe(
      "unknown-period",
    );
    // 22:00 UTC is June in Berlin, but no period of the market.
    expect((await read(service.reading({ periodStart: MAY_31 }), MAY_31))[0]).toBe(
      "unknown-period",
    );
    expect((await read(service.readings()[2]!))[0]).toBe("wrong-evaluator");
    const order = service.body();
    expect((await read(order))[0]).toBe("malformed-reading");
    // An order's letters before a reading's bytes.
    const disguised = service.reading();
    disguised.set(order.subarray(0, 4));
    expect(await read(disguised)).toEqual([
      "malformed-reading",
      'a reading begins with the four letters "HWR1"',
    ]);
    const damaged = service.reading();
    damaged[damaged.length - 1]! ^= 1;
    expect((await read(damaged))[0]).toBe("malformed-reading");
    const path = `${periodPath()}/reading`;
    const headers = await service.signatureOf(meter, "PUT", path, service.reading());
    const asOrder = { ...headers, "content-type": "application/vnd.hushwatt.order" };
    expect(problem(await service.request("PUT", path, asOrder, service.reading()))[0]).toBe(
      "wrong-content-type",
    );
    const supplier = await service.signer({ role: "supplier", id: "1" });
    expect(problem(await service.read(supplier, service.reading()))[0]).toBe("wrong-role");
    expect(await service.store.readingEntries(PERIOD)).toEqual([]);
    const none = await service.signed(meter, "GET", path);
    expect(problem(none)[0]).toBe("no-reading");
  });

  it("is nothing that a market without settlement knows", async () => {
    const service = await TestService.start();
    service.time.nowS = DELIVERED;
    const meter = await service.meter();
    expect(problem(await service.read(meter, service.reading()))).toEqual([
      "no-settlement",
      "the market rosenweg clears, and settles nothing",
    ]);
    for (const path of [`${periodPath()}/settlement`, "/v1/months/2025-06"]) {
      expect(problem(await service.request("GET", path))[0]).toBe("no-settlement");
    }
    const bill = await service.signed(meter, "GET", "/v1/months/2025-06/bill");
    expect(problem(bill)[0]).toBe("no-settlement");
  });
});

const share = (length: number, fill: number) => Buffer.alloc(16 * length, fill).toString("base64");

function settlementOf(changes: Partial<Settlement>): Settlement {
  return {
    market: "rosenweg",
    period: textOfPeriod(PERIOD),
    revision: 0,
    attempt: 1,
    readings: agreedOf(nodePrimitives, []),
    members: [0, 1, 2],
    active: [0, 1, 2],
    rejected: [],
    estimated: 0,
    revealedSuppliers: [false, true, false],
    revealedPositions: [true, true, false],
    ...changes,
  };
}

describe("a settlement", () => {
  it("is public, with proofs, and tells each supplier its own sums", async () => {
    const { service, meter } = await startedAt(DELIVERED);
    const supplier = (id: string) => service.signer({ role: "supplier", id });
    const metered = async (id: string) =>
      service.signed(await supplier(id), "GET", `${periodPath()}/metered`);
    expect(problem(await metered("1"))[0]).toBe("not-settled");
    const record = await service.request("GET", `${periodPath()}/settlement`);
    expect(record.json).toEqual({
      period: textOfPeriod(PERIOD),
      due: textOfPeriod(DELIVERED + 4 * PERIOD_S),
      closure: textOfPeriod(CLOSURE),
      settlements: [],
    });
    await service.read(meter, service.reading());
    const entries = await service.store.readingEntries(PERIOD);
    const lease = await service.lease();
    const settle = async (revision: 0 | 1, changes: Partial<Settlement>, fill: number) => {
      const name = { kind: "settlement", start: PERIOD, revision } as const;
      const readings = agreedOf(nodePrimitives, entries);
      const settlement = settlementOf({ revision, readings, ...changes });
      await service.store.promiseMatter(lease, name, 1);
      await service.store.prepareMatter(lease, name, 1, settlement, {
        readings: entries,
        shares: new Uint8Array(16),
        notes: JSON.stringify({
          metered: [null, share(2, fill), null],
          positions: [share(1, fill), share(1, fill + 1), null],
          groups: [],
        }),
      });
      await service.store.decideMatter(lease, name, { decision: settlement, signatures: [] });
      return settlement;
    };
    const settlement = await settle(0, { rejected: [0] }, 5);
    const after = await service.request("GET", `${periodPath()}/settlement`);
    expect(after.json.settlements).toEqual([{ settlement, signatures: [] }]);
    const proof = await service.request("GET", `${periodPath()}/settlement/inclusion/${METER}`);
    expect(proof.json).toMatchObject({
      revision: 0,
      readings: settlement.readings,
      reading: entries[0]!.orderId,
      position: 0,
      path: [],
    });
    const other = `${periodPath()}/settlement/inclusion/${OTHER_METER}`;
    expect(problem(await service.request("GET", other))[0]).toBe("no-reading");

    const own = { share: share(2, 5), position: share(1, 6) };
    expect((await metered("1")).json).toMatchObject({ revision: 0, withheld: false, ...own });
    expect((await metered("0")).json).toMatchObject({
      withheld: true,
      share: null,
      positionWithheld: false,
      position: share(1, 5),
    });
    expect((await metered("2")).json).toMatchObject({ positionWithheld: true, position: null });
    expect(problem(await metered("7"))[0]).toBe("wrong-role");
    const asMeter = await service.signed(meter, "GET", `${periodPath()}/metered`);
    expect(problem(asMeter)[0]).toBe("wrong-role");

    // A correction that may not be told leaves the first sums; one that may replaces them.
    await settle(1, { revealedSuppliers: [false, false, false] }, 7);
    expect((await metered("1")).json).toMatchObject({ revision: 0, share: share(2, 5) });
    expect(
      (await service.request("GET", `${periodPath()}/settlement`)).json.settlements,
    ).toHaveLength(2);
  });
});

describe("a month", () => {
  it("is open until it is closed, and then each learns its own", async () => {
    const { service, meter } = await startedAt(DELIVERED);
    const unknown = async (month: string) =>
      problem(await service.request("GET", `/v1/months/${month}`))[0];
    expect(await unknown("2025-05")).toBe("unknown-month");
    expect(await unknown("2025-07")).toBe("unknown-month");
    expect(await unknown("2025-13")).toBe("malformed-request");
    const path = "/v1/months/2025-06";
    const first = service.market.firstPeriod;
    expect((await service.request("GET", path)).json).toEqual({
      month: "2025-06",
      from: textOfPeriod(first),
      to: textOfPeriod(JULY),
      closure: textOfPeriod(CLOSURE),
      closing: null,
    });
    const bill = (of = meter) => service.signed(of, "GET", `${path}/bill`);
    const supplier = await service.signer({ role: "supplier", id: "1" });
    const payables = () => service.signed(supplier, "GET", `${path}/payables`);
    expect(problem(await bill())[0]).toBe("month-open");
    expect(problem(await payables())[0]).toBe("month-open");

    const name = { kind: "closing", start: first, revision: 0 } as const;
    const lease = await service.lease();
    const closing = {
      market: "rosenweg",
      month: "2025-06",
      attempt: 1,
      members: [0, 1, 2],
      active: [0, 1, 2],
      periods: 1,
      settlements: "0".repeat(64),
      meters: agreedOf(nodePrimitives, []),
      revealedPositions: [false, true, false],
    };
    const decision = { decision: closing, signatures: [] };
    await service.store.decideMatter(lease, name, decision);
    // Decided by others.
    expect(problem(await bill())[0]).toBe("no-results");
    const row = (id: string, of: number, fill: number) => ({
      meter: id,
      supplier: of,
      periods: 3,
      estimated: 1,
      components: Buffer.alloc(64, fill),
      payable: Buffer.alloc(16, fill + 1),
    });
    await service.store.completeMatter(lease, name, {
      bills: [row(METER, 1, 1), row(OTHER_METER, 2, 3)],
      notes: JSON.stringify({ positions: [null, share(1, 9), null], open: [] }),
    });
    expect((await bill()).json).toEqual({
      month: "2025-06",
      attempt: 1,
      evaluator: EVALUATOR,
      periods: 3,
      estimated: 1,
      share: share(4, 1),
    });
    const stranger = await service.meter("0".repeat(32));
    expect(problem(await bill(stranger))).toEqual([
      "no-results",
      "this meter has no bill of 2025-06",
    ]);
    expect((await payables()).json).toMatchObject({
      supplier: 1,
      customers: [{ meter: METER, periods: 3, estimated: 1, share: share(1, 2) }],
      positionWithheld: false,
      position: share(1, 9),
    });
    expect((await service.request("GET", path)).json.closing).toEqual({ closing, signatures: [] });
  });
});
