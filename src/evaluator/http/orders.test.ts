// Orders over HTTPS: what is taken, what is refused and with which words, and what is durable when.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { createAuthority, issueIdentity } from "../../crypto/certificates.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { signerOf, verifySignature } from "../../crypto/signing-key.ts";
import { systemClock } from "../../platform/clock.ts";
import { receiptBytes, signedReceiptSchema, textOfPeriod } from "../../wire/records.ts";
import {
  EVALUATOR,
  GATE,
  METER,
  NOW,
  orderPath,
  PERIOD,
  PERIOD_S,
  periodPath,
  problem,
  TestService,
} from "./http-service.test-helper.ts";

const OTHER_METER = "ffeeddccbbaa99887766554433221100";

describe("an order", () => {
  it("is kept and confirmed, and confirmed again when it is sent again", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const body = service.body();
    const first = await service.submit(meter, body);
    expect(first.status).toBe(201);
    const { receipt, signature } = signedReceiptSchema.parse(first.json);
    expect(receipt).toEqual({
      market: "rosenweg",
      period: textOfPeriod(PERIOD),
      evaluator: EVALUATOR,
      meter: METER,
      sequence: 1,
      order: (await service.store.lastOrder(PERIOD, METER))?.orderId,
    });
    const { certificate } = (await service.request("GET", "/v1/identity")).json;
    const der = new X509Certificate(certificate).raw;
    const signed = Buffer.from(signature, "base64");
    expect(verifySignature(der, receiptBytes(receipt), signed)).toBe(true);

    const again = await service.submit(meter, body);
    expect([again.status, again.json.receipt]).toEqual([200, receipt]);
    expect(await service.store.orderEntries(PERIOD)).toHaveLength(1);
    const asked = await service.signed(meter, "GET", `${periodPath()}/receipt`);
    expect([asked.status, asked.json.receipt]).toEqual([200, receipt]);
  });

  it("is kept as it came, with the supplier of the certificate and what proves who sent it", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const body = service.body();
    expect((await service.submit(meter, body)).status).toBe(201);
    const database = new DatabaseSync(service.databaseFile, { readOnly: true });
    const rows = database.prepare("select body, supplier, evidence from meter_order").all();
    database.close();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ supplier: 1, body: new Uint8Array(body) });
    const evidence = String(rows[0]!.evidence);
    const lines = evidence.split("\n");
    const signature = Buffer.from(lines.pop()!, "base64");
    const base = Buffer.from(lines.join("\n"));
    expect(verifySignature(meter.certificateDer, base, signature)).toBe(true);
    const digest = Buffer.from(nodePrimitives.sha256(body)).toString("base64");
    expect(evidence).toContain(`"content-digest": sha-256=:${digest}:`);
    expect(evidence).toContain(`"@path": ${orderPath()}`);
  });

  it("can be replaced by a later one, a few times", async () => {
    const service = await TestService.start({ limits: { orderVersions: 2 } });
    const meter = await service.meter();
    const submit = (sequence: number) => service.submit(meter, service.body({ sequence }));
    expect((await submit(5)).status).toBe(201);
    expect(problem(await submit(5))[0]).toBe("sequence-conflict");
    expect(problem(await submit(4))).toEqual([
      "stale-sequence",
      "an order with a higher sequence number is here; take a higher one",
    ]);
    expect((await submit(6)).status).toBe(201);
    expect(problem(await submit(7))[0]).toBe("too-many-replacements");
    const receipt = await service.signed(meter, "GET", `${periodPath()}/receipt`);
    expect(receipt.json.receipt.sequence).toBe(6);
  });

  it("is taken until the gate closes, and not long before", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const body = service.body();
    service.time.nowS = GATE - 8 * PERIOD_S - 1;
    expect(problem(await service.submit(meter, body))[0]).toBe("too-early");
    service.time.nowS = GATE;
    expect(problem(await service.submit(meter, body))[0]).toBe("gate-closed");
    service.time.nowS = GATE - 0.001;
    expect((await service.submit(meter, body)).status).toBe(201);
    // Its receipt was lost on the way.
    service.time.nowS = GATE + 1;
    expect((await service.submit(meter, body)).status).toBe(200);
    expect(problem(await service.submit(meter, service.body({ sequence: 2 })))[0]).toBe(
      "gate-closed",
    );
    // The leader may close the gate a little early.
    service.time.nowS = NOW;
    await service.store.closePeriod(await service.lease(), PERIOD);
    expect((await service.submit(meter, body)).status).toBe(200);
    expect(problem(await service.submit(meter, service.body({ sequence: 2 })))).toEqual([
      "gate-closed",
      "the gate of this period is closed",
    ]);
  });

  it("is refused if it is not for this market, meter, evaluator or period", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const submit = async (body: Uint8Array, start = PERIOD) =>
      problem(await service.submit(meter, body, start));
    expect(await submit(service.body({ marketId: "elsewhere" }))).toEqual([
      "wrong-market",
      "this is the market rosenweg, the order is not for it",
    ]);
    expect((await submit(service.body({ meter: OTHER_METER })))[0]).toBe("wrong-meter");
    expect((await submit(service.body(), PERIOD + PERIOD_S))[0]).toBe("wrong-period");
    const off = await submit(service.body({ periodStart: PERIOD + 1 }), PERIOD + 1);
    expect(off).toEqual([
      "unknown-period",
      "no period begins at 2025-06-01T12:00:01Z; periods begin every 900 s from 2025-06-01T00:00:00Z on",
    ]);
    expect((await submit(service.body(), PERIOD - 100 * PERIOD_S))[0]).toBe("unknown-period");
    const [code, detail] = await submit(service.bodies()[2]!);
    expect([code, detail]).toEqual([
      "wrong-evaluator",
      "this is evaluator 1, the order is for evaluator 2",
    ]);
    expect(await service.store.orderEntries(PERIOD)).toEqual([]);
  });

  it("is refused if it is malformed", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const submit = async (body: Uint8Array) => problem(await service.submit(meter, body));
    const body = service.body();
    const { length } = body;
    expect(await submit(body.subarray(0, length - 1))).toEqual([
      "malformed-order",
      `an order for this evaluator has ${length} bytes, this one has ${length - 1}`,
    ]);
    expect((await submit(Buffer.concat([body, body.subarray(0, 1)])))[0]).toBe("too-large");
    expect((await submit(new Uint8Array(length)))[1]).toContain('"HWO1"');
    const torn = new Uint8Array(body);
    torn[length - 1]! ^= 1;
    expect((await submit(torn))[1]).toMatch(/do not have the digest \d/);
    const path = orderPath();
    const headers = await service.signatureOf(meter, "PUT", path, body);
    const json = { ...headers, "content-type": "application/json" };
    expect(problem(await service.request("PUT", path, json, body))).toEqual([
      "wrong-content-type",
      "an order is sent as application/vnd.hushwatt.order",
    ]);
    // Without a length it is read until it is too long.
    const send = (content: Uint8Array) =>
      service.request("PUT", path, headers, content, { chunked: true });
    const long = Buffer.concat([body, body]);
    expect(problem(await send(long))[0]).toBe("too-large");
    expect((await send(body)).status).toBe(201);
  });
});

describe("who sends an order", () => {
  it("must have signed it as it is, for this evaluator, now", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const path = orderPath();
    const body = service.body();
    const send = async (headers: Record<string, string>, content = body) =>
      problem(await service.request("PUT", path, headers, content));
    const right = await service.signatureOf(meter, "PUT", path, body);
    const media = { "content-type": "application/vnd.hushwatt.order" };
    const unsigned = await service.request("PUT", path, media, body);
    expect(problem(unsigned)[0]).toBe("signature-missing");
    expect(unsigned.headers["www-authenticate"]).toBe("Signature");
    expect(await send(right, service.body())).toEqual([
      "bad-signature",
      "the body is not the one whose digest was signed",
    ]);
    const { "client-cert": _, ...uncertified } = right;
    expect(await send(uncertified)).toEqual(["bad-signature", "the header client-cert is missing"]);
    const other = await service.signatureOf(meter, "GET", path, body);
    expect((await send({ ...right, signature: other.signature! }))[0]).toBe("bad-signature");

    const nowS = systemClock.utcMs() / 1000;
    const at = async (createdS: number) =>
      service.signed(meter, "PUT", path, body, { createdS: nowS + createdS });
    expect(problem(await at(-400))).toEqual([
      "signature-expired",
      expect.stringMatching(/^it was signed 40\d s ago; the clocks may differ by 300 s$/),
    ]);
    expect(problem(await at(400))[0]).toBe("signature-expired");
    expect((await at(-290)).status).toBe(201);
    const elsewhere = await service.signed(meter, "PUT", path, body, { evaluator: 2 });
    expect(problem(elsewhere)[0]).toBe("wrong-evaluator");
  });

  it("must have a certificate of this market that is valid and not revoked", async () => {
    const service = await TestService.start();
    const party = { role: "meter", id: METER } as const;
    const submit = async (signer: Awaited<ReturnType<TestService["meter"]>>) =>
      problem(await service.submit(signer, service.body()));
    const stranger = await issueIdentity(await createAuthority("Rosenweg"), party, { supplier: 1 });
    expect((await submit(signerOf(stranger)))[0]).toBe("unknown-certificate");
    const year = { notBeforeMs: Date.UTC(2024, 0, 1), validityDays: 30, supplier: 1 };
    expect((await submit(await service.signer(party, year)))[0]).toBe("expired-certificate");
    const nobody = { ...(await service.meter()), certificateDer: new Uint8Array(500) };
    expect((await submit(nobody))[0]).toBe("unknown-certificate");

    const meter = await service.meter();
    expect((await service.submit(meter, service.body())).status).toBe(201);
    const { serial } = service.verifier.check(meter.certificateDer, systemClock.utcMs());
    service.verifier.revoke(new Set([serial]));
    expect(await submit(meter)).toEqual([
      "revoked-certificate",
      `the certificate of meter-${METER} was revoked`,
    ]);
    service.verifier.revoke(new Set());
    expect((await service.submit(meter, service.body({ sequence: 2 }))).status).toBe(201);
  });

  it("must be a meter, with a supplier of this market", async () => {
    const service = await TestService.start();
    const supplier = await service.signer({ role: "supplier", id: "0" });
    expect(problem(await service.submit(supplier, service.body()))).toEqual([
      "wrong-role",
      "this is for a meter, and supplier-0 is none",
    ]);
    const party = { role: "meter", id: METER } as const;
    const customers = [{}, { supplier: 3 }].map((options) => service.signer(party, options));
    for (const signer of await Promise.all(customers)) {
      const [code, detail] = problem(await service.submit(signer, service.body()));
      expect([code, detail]).toEqual([
        "wrong-role",
        expect.stringContaining("one of the market's"),
      ]);
    }
  });

  it("may not pass for another by its name", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const disguised = { ...meter, party: { role: "meter", id: OTHER_METER } as const };
    expect(problem(await service.submit(disguised, service.body()))).toEqual([
      "bad-signature",
      `keyid must be meter-${METER}, whose certificate it is`,
    ]);
  });

  it("may ask a while as often as it likes, and then in moderation", async () => {
    const limits = { signedRequestsAtOnce: 3, signedRequestsPerS: 2 };
    const service = await TestService.start({ limits });
    const meter = await service.meter();
    const ask = (signer = meter) => service.signed(signer, "GET", `${periodPath()}/receipt`);
    for (let i = 0; i < 3; i++) expect(problem(await ask())[0]).toBe("no-order");
    const refused = await ask();
    expect(problem(refused)).toEqual(["too-many-requests", "come again in 1 s"]);
    expect(refused.headers["retry-after"]).toBe("1");
    expect(problem(await ask(await service.meter(OTHER_METER)))[0]).toBe("no-order");
    await systemClock.sleep(600);
    expect(problem(await ask())[0]).toBe("no-order");
  });
});

describe("many orders", () => {
  it("share the cost of one durable write, and each has its own answer", async () => {
    const service = await TestService.start();
    const ids = Array.from({ length: 60 }, (_, i) => i.toString(16).padStart(32, "0"));
    const meters = await Promise.all(ids.map((id) => service.meter(id)));
    const replies = await Promise.all(
      meters.map((meter, i) => service.submit(meter, service.body({ meter: ids[i]! }))),
    );
    expect(replies.map(({ status }) => status)).toEqual(ids.map(() => 201));
    expect(replies.map(({ json }) => json.receipt.meter)).toEqual(ids);
    const kept = await service.store.orderEntries(PERIOD);
    expect(kept.map(({ meter }) => meter)).toEqual(ids);
    const metrics = (await service.request("GET", "/metrics")).text;
    expect(metrics).toContain("hushwatt_order_batch_size_sum 60");
    const batches = Number(/^hushwatt_order_batch_size_count (\d+)$/m.exec(metrics)?.[1]);
    expect(batches).toBeGreaterThan(0);
    expect(batches).toBeLessThan(50);
  });

  it("are told to come again when too many wait, and nothing is confirmed that is not stored", async () => {
    const gate: { open: () => void } = { open: () => {} };
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    const service = await TestService.start({
      limits: { ordersWaiting: 2, ordersAtOnce: 1 },
      storing: opened,
    });
    const ids = Array.from({ length: 8 }, (_, i) => i.toString(16).padStart(32, "0"));
    const meters = await Promise.all(ids.map((id) => service.meter(id)));
    let answered = 0;
    const replies = meters.map(async (meter, i) => {
      const reply = await service.submit(meter, service.body({ meter: ids[i]! }));
      answered += 1;
      return reply;
    });
    while (answered < 5) await systemClock.sleep(10);
    await systemClock.sleep(100);
    expect(answered).toBe(5);
    expect(await service.store.orderEntries(PERIOD)).toEqual([]);
    gate.open();
    const all = await Promise.all(replies);
    const busy = all.filter(({ status }) => status === 503);
    expect(busy.map((reply) => problem(reply)[0])).toEqual(new Array(5).fill("busy"));
    expect(busy.map(({ headers }) => headers["retry-after"])).toEqual(new Array(5).fill("1"));
    expect(await service.store.orderEntries(PERIOD)).toHaveLength(3);
  });
});

describe("a store that fails", () => {
  it("confirms nothing; its orders are to be sent again", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    await service.store.close();
    const reply = await service.submit(meter, service.body());
    expect(problem(reply)).toEqual(["busy", "the order could not be stored; send it again"]);
    expect(reply.headers["retry-after"]).toBe("1");
    expect(readFileSync(service.logFile, "utf8")).toContain("orders could not be stored");
  });
});

describe("the log and the metrics", () => {
  it("count answers without naming meters, and hold nothing of orders", async () => {
    const service = await TestService.start();
    const meter = await service.meter();
    const body = service.body();
    const headers = await service.signatureOf(meter, "PUT", orderPath(), body);
    expect((await service.request("PUT", orderPath(), headers, body)).status).toBe(201);
    expect((await service.submit(meter, body)).status).toBe(200);
    expect(problem(await service.submit(meter, service.body()))[0]).toBe("sequence-conflict");
    const metrics = (await service.request("GET", "/metrics")).text;
    for (const result of ["accepted", "known", "sequence-conflict"]) {
      expect(metrics).toContain(`hushwatt_orders_total{result="${result}"} 1`);
    }
    expect(metrics).toContain(
      'hushwatt_http_requests_total{method="PUT",route="/v1/periods/:period/order",status="201"} 1',
    );
    expect(metrics).toContain("hushwatt_order_batch_size_count 3");
    expect(metrics).not.toContain(METER);
    const log = readFileSync(service.logFile, "utf8");
    const lines = log
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ party }) => party?.id === METER)).toHaveLength(3);
    expect(lines.filter(({ level }) => level > 20).map(({ msg }) => msg)).not.toContain(METER);
    for (const name of ["signature", "client-cert", "content-digest"]) {
      expect(log).not.toContain(headers[name]!.split(":")[1]!);
    }
    expect(log).not.toContain(Buffer.from(body).toString("base64").slice(100, 140));
  });
});
