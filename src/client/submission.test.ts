// Orders on their way to evaluators: what is kept, what is sent, and which receipts count.
import { describe, expect, it } from "vitest";
import { orderPieces } from "../market/order-pieces.ts";
import { decodeOrder } from "../wire/order-body.ts";
import { receiptBytes, type SignedReceipt, textOfPeriod } from "../wire/records.ts";
import {
  METER,
  ok,
  problem,
  SHAMIR,
  signedWith,
  signerOf,
  type TestEvaluator,
  type TestMarket,
  testMarket,
  tools,
} from "./evaluators.test-helper.ts";
import { MeterClient } from "./meter-client.ts";
import {
  type ClearOrder,
  decodePrepared,
  encodePrepared,
  layoutOf,
  OrderInputError,
  type PreparedOrder,
} from "./prepared-order.ts";

const signer = await signerOf("meter", METER);
const clientOf = ({ market, apis }: TestMarket) =>
  new MeterClient({ market, apis, signer, meter: METER, supplier: 1, tools });

const BUY: ClearOrder = { side: "buy", energyWh: 500, limitTick: 2000 };

describe("preparing an order", () => {
  it("makes a body for every evaluator, the same length whatever the order", async () => {
    for (const setting of [undefined, SHAMIR]) {
      const test = await testMarket(setting);
      const client = clientOf(test);
      const { firstPeriod, setting: agreed } = test.market;
      const orders: ClearOrder[] = [
        BUY,
        { side: "sell", energyWh: 65_535, limitTick: 0 },
        { side: "idle", energyWh: 0, limitTick: null },
      ];
      const prepared = await Promise.all(
        orders.map((order, i) => client.prepareOrder(firstPeriod, order, i + 1)),
      );
      const pieces = orderPieces(agreed, layoutOf(test.market));
      for (const { bodies, orderId, sequence } of prepared) {
        expect(bodies.map(({ length }) => length)).toEqual(
          prepared[0]!.bodies.map(({ length }) => length),
        );
        bodies.forEach((body, evaluator) => {
          expect(decodeOrder(tools.primitives, pieces, evaluator, body)).toMatchObject({
            meter: METER,
            periodStart: firstPeriod,
            sequence,
            orderId,
          });
        });
      }
      expect(new Set(prepared.map(({ orderId }) => orderId)).size).toBe(3);
    }
  });

  it("can be kept and taken up again, and notices damage", async () => {
    const test = await testMarket();
    const prepared = await clientOf(test).prepareOrder(test.market.firstPeriod, BUY, 7);
    const bytes = encodePrepared(prepared);
    expect(decodePrepared(bytes)).toEqual(prepared);
    for (const damaged of [
      bytes.slice(1),
      bytes.slice(0, -1),
      bytes.slice(0, 6),
      new Uint8Array(),
    ]) {
      expect(() => decodePrepared(damaged)).toThrow("damaged");
    }
  });

  it("refuses orders that cannot be", async () => {
    const test = await testMarket();
    const prepare = (order: Partial<ClearOrder>, sequence = 1) =>
      clientOf(test).prepareOrder(test.market.firstPeriod, { ...BUY, ...order }, sequence);
    await expect(prepare({ energyWh: 65_536 })).rejects.toThrow("whole Wh from 0 to 65535");
    await expect(prepare({ energyWh: 0.5 })).rejects.toThrow(OrderInputError);
    await expect(prepare({ side: "idle" })).rejects.toThrow("0 in an idle order");
    await expect(prepare({ limitTick: 4096 })).rejects.toThrow("from 0 to 4095");
    await expect(prepare({ limitTick: null })).rejects.toThrow("from 0 to 4095");
    await expect(prepare({}, -1)).rejects.toThrow("sequence number is -1");
  });
});

/** The receipt that an evaluator gives for an order, with changes. */
function receiptOf(
  { number, identity }: TestEvaluator,
  { orderId, sequence, periodStart }: PreparedOrder,
  changes: Partial<SignedReceipt["receipt"]> = {},
): SignedReceipt {
  const receipt = {
    market: "rosenweg",
    period: textOfPeriod(periodStart),
    evaluator: number,
    meter: METER,
    sequence,
    order: orderId,
    ...changes,
  };
  return { receipt, signature: signedWith(identity, receiptBytes(receipt)) };
}

describe("submitting an order", () => {
  const begin = async () => {
    const test = await testMarket();
    const client = clientOf(test);
    const prepared = await client.prepareOrder(test.market.firstPeriod, BUY, 1);
    for (const evaluator of test.evaluators) {
      evaluator.replies.set("order", () => ok(receiptOf(evaluator, prepared), 201));
    }
    return { ...test, client, prepared };
  };

  it("gives every evaluator its own body and returns their verified receipts", async () => {
    const { client, prepared, evaluators } = await begin();
    const received: Buffer[] = [];
    const given: string[] = [];
    for (const evaluator of evaluators) {
      evaluator.replies.set("order", (body) => {
        received[evaluator.number] = body;
        const receipt = receiptOf(evaluator, prepared);
        given[evaluator.number] = receipt.signature;
        return ok(receipt, 201);
      });
    }
    const answers = await client.submit(prepared);
    expect(answers).toEqual(
      evaluators.map(({ number }) => ({
        evaluator: number,
        receipt: {
          receipt: receiptOf(evaluators[number]!, prepared).receipt,
          signature: given[number],
        },
        problem: null,
      })),
    );
    expect(received.map((body) => new Uint8Array(body))).toEqual(prepared.bodies);
  });

  it("tries again when an evaluator is not there, and gives up what is refused", async () => {
    const { client, prepared, evaluators } = await begin();
    let attempts = 0;
    evaluators[0]!.replies.set("order", () => {
      attempts += 1;
      if (attempts === 1) return "silence";
      if (attempts === 2) return problem("busy");
      return ok(receiptOf(evaluators[0]!, prepared), 201);
    });
    evaluators[1]!.replies.set("order", () => problem("stale-sequence"));
    const [first, second, third] = await client.submit(prepared);
    expect([attempts, first!.problem, third!.problem]).toEqual([3, null, null]);
    expect(second).toEqual({
      evaluator: 1,
      receipt: null,
      problem: "evaluator 1: this is stale-sequence",
    });
  });

  it("finds an order whose receipt was lost", async () => {
    const { client, prepared, evaluators } = await begin();
    const [first] = evaluators;
    first!.replies.set("order", () => problem("gate-closed"));
    const receipt = receiptOf(first!, prepared);
    first!.replies.set("receipt", () => ok(receipt));
    const [answer] = await client.submit(prepared);
    expect(answer).toEqual({ evaluator: 0, receipt, problem: null });
  });

  it("does not take another receipt for its own", async () => {
    const { client, prepared, evaluators } = await begin();
    const [first, second, third] = evaluators;
    const forged = {
      ...receiptOf(first!, prepared),
      signature: receiptOf(second!, prepared).signature,
    };
    first!.replies.set("order", () => ok(forged));
    second!.replies.set("order", () => ok(receiptOf(second!, prepared, { sequence: 2 })));
    third!.identity = second!.identity;
    const answers = await client.submit(prepared);
    expect(answers.map(({ receipt }) => receipt)).toEqual([null, null, null]);
    expect(answers.map(({ problem: found }) => found)).toEqual([
      "the signature of evaluator 0 is wrong",
      "the receipt of evaluator 1 has sequence 2 instead of 1",
      "the certificate given for evaluator 2 is that of evaluator-1",
    ]);
  });

  it("stops when it is told to", async () => {
    const { client, prepared, evaluators } = await begin();
    const abort = new AbortController();
    const reason = new Error("enough");
    evaluators[0]!.replies.set("order", () => {
      abort.abort(reason);
      return "silence";
    });
    await expect(client.submit(prepared, { signal: abort.signal })).rejects.toBe(reason);
  });
});
