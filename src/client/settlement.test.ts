// What meters and suppliers make of what evaluators say after delivery: readings, settlements, bills, payables.
import { describe, expect, it } from "vitest";
import { readingPieces } from "../market/order-pieces.ts";
import { readingLayout } from "../market/reading.ts";
import { monthOf } from "../market/tariffs.ts";
import { decodeOrder } from "../wire/order-body.ts";
import { textOfPeriod } from "../wire/records.ts";
import {
  type Closing,
  closingBytes,
  readingReceiptBytes,
  type Settlement,
  settlementBytes,
} from "../wire/settlement-records.ts";
import {
  agreedWith,
  METER,
  ok,
  problem,
  replicatedShares,
  SHAMIR,
  shamirShares,
  signaturesOf,
  signedWith,
  signerOf,
  type TestMarket,
  testMarket,
  tools,
} from "./evaluators.test-helper.ts";
import { MeterClient } from "./meter-client.ts";
import { decodeReading, encodeReading, ReadingInputError } from "./prepared-reading.ts";
import { WrongSharesError } from "./result-shares.ts";
import { EvaluatorsDisagreeError } from "./statements.ts";
import { SupplierClient } from "./supplier-client.ts";
import { TrustError } from "./trust.ts";

const signer = await signerOf("meter", METER);
const supplierSigner = await signerOf("supplier", "1");
const clientOf = ({ market, apis }: TestMarket) =>
  new MeterClient({ market, apis, signer, meter: METER, supplier: 1, tools });
const supplierOf = ({ market, apis }: TestMarket) =>
  new SupplierClient({ market, apis, signer: supplierSigner, supplier: 1, tools });

const METERED = { importedWh: 700, exportedWh: 0 };

describe("a reading", () => {
  it("has the same length whatever was metered, and its advice", async () => {
    for (const setting of [undefined, SHAMIR]) {
      const test = await testMarket(setting);
      const { firstPeriod, parameters } = test.market;
      const client = clientOf(test);
      const first = await client.prepareReading(firstPeriod, METERED, 500 * 1024 + 1, 1);
      const second = await client.prepareReading(
        firstPeriod,
        { importedWh: 0, exportedWh: 65_535 },
        -1024,
        2,
      );
      expect(first.reading).toEqual({ ...METERED, shortageUnits: 200 * 1024 - 1, surplusUnits: 0 });
      expect(second.reading.surplusUnits).toBe(65_534 * 1024);
      const lengths = (bodies: readonly Uint8Array[]) => bodies.map(({ length }) => length);
      expect(lengths(second.bodies)).toEqual(lengths(first.bodies));
      const pieces = readingPieces(test.market.setting, readingLayout(parameters.energyBits));
      first.bodies.forEach((body, evaluator) => {
        expect(decodeOrder(tools.primitives, pieces, evaluator, body)).toMatchObject({
          meter: METER,
          periodStart: firstPeriod,
          sequence: 1,
          orderId: first.readingId,
        });
      });
      expect(decodeReading(encodeReading(first))).toEqual(first);
      expect(() => decodeReading(encodeReading(first).slice(0, -1))).toThrow("damaged");
    }
  });

  it("is refused when it cannot be", async () => {
    const test = await testMarket();
    const prepare = (metered: Partial<typeof METERED>, sequence = 1) =>
      clientOf(test).prepareReading(
        test.market.firstPeriod,
        { ...METERED, ...metered },
        0,
        sequence,
      );
    await expect(prepare({ importedWh: 65_536 })).rejects.toThrow("whole Wh from 0 to 65535");
    await expect(prepare({ exportedWh: 0.5 })).rejects.toThrow(ReadingInputError);
    await expect(prepare({}, -1)).rejects.toThrow("sequence number is -1");
  });

  it("is confirmed by receipts for exactly this reading", async () => {
    const test = await testMarket();
    const client = clientOf(test);
    const start = test.market.firstPeriod;
    const prepared = await client.prepareReading(start, METERED, 0, 1);
    for (const { number, identity, replies } of test.evaluators) {
      const receipt = {
        market: "rosenweg",
        period: textOfPeriod(start),
        evaluator: number,
        meter: METER,
        sequence: 1,
        reading: number === 2 ? "ab".repeat(32) : prepared.readingId,
      };
      const signature = signedWith(identity, readingReceiptBytes(receipt));
      replies.set("reading", () => ok({ receipt, signature }, 201));
    }
    const answers = await client.submitReading(prepared);
    expect(answers.map(({ receipt }) => receipt !== null)).toEqual([true, true, false]);
    expect(answers[2]!.problem).toMatch(/receipt of evaluator 2 has reading abab/);
  });
});

const settlementFor = ({ market }: TestMarket, changes: Partial<Settlement> = {}): Settlement => ({
  market: market.id,
  period: textOfPeriod(market.firstPeriod),
  revision: 0,
  attempt: 1,
  readings: { count: 5, root: "cd".repeat(32) },
  members: [0, 1, 2],
  active: [0, 1, 2],
  rejected: [],
  estimated: 0,
  revealedSuppliers: [false, true],
  revealedPositions: [false, true],
  ...changes,
});

/** All evaluators give these settlements, signed by all. */
function settled(test: TestMarket, ...settlements: Settlement[]): void {
  const [when] = [textOfPeriod(test.market.firstPeriod)];
  const signed = settlements.map((settlement) => ({
    settlement,
    signatures: signaturesOf(test, settlementBytes(settlement), [0, 1, 2]),
  }));
  const record = { period: when, due: when, closure: when, settlements: signed };
  for (const { replies } of test.evaluators) replies.set("settlement", () => ok(record));
}

describe("which reading counted", () => {
  it("is proven against the last settlement that evaluators have signed", async () => {
    const test = await testMarket();
    const readingId = "ef".repeat(32);
    const { agreed, position, path } = agreedWith(readingId);
    const first = settlementFor(test);
    expect((await clientOf(test).countedReading(test.market.firstPeriod)).state).toBe("pending");
    const second = settlementFor(test, { revision: 1, readings: agreed });
    settled(test, first, second);
    const period = textOfPeriod(test.market.firstPeriod);
    const proof = { period, readings: agreed, meter: METER, reading: readingId, position, path };
    const give = (revision: number) => {
      for (const { replies } of test.evaluators) {
        replies.set("reading-inclusion", () => ok({ ...proof, revision }));
      }
    };
    give(1);
    const found = await clientOf(test).countedReading(test.market.firstPeriod);
    expect(found).toMatchObject({ state: "counted", readingId, revision: 1 });
    expect(found.checks.every(({ ok: good }) => good)).toBe(true);
    give(0);
    await expect(clientOf(test).countedReading(test.market.firstPeriod)).rejects.toThrow(
      "a proof that does not hold",
    );
    settled(test, first, { ...second, rejected: [position] });
    give(1);
    expect((await clientOf(test).countedReading(test.market.firstPeriod)).state).toBe("rejected");
    for (const { replies } of test.evaluators) {
      replies.set("reading-inclusion", () => problem("no-reading"));
    }
    const none = await clientOf(test).countedReading(test.market.firstPeriod);
    expect(none).toMatchObject({ state: "missing", readingId: null });
    expect(none.checks.at(-1)).toMatchObject({ name: "reading", ok: false });
  });
});

const monthIn = ({ market }: TestMarket) => monthOf(market, market.firstPeriod);

const closingFor = (test: TestMarket, changes: Partial<Closing> = {}): Closing => ({
  market: test.market.id,
  month: monthIn(test),
  attempt: 2,
  members: [0, 1, 2],
  active: [0, 1, 2],
  periods: 96,
  settlements: "12".repeat(32),
  meters: { count: 3, root: "34".repeat(32) },
  revealedPositions: [false, true],
  ...changes,
});

function closed(test: TestMarket, closing = closingFor(test), signers = [0, 1, 2]): void {
  const month = monthIn(test);
  const when = textOfPeriod(test.market.firstPeriod);
  const signatures = signaturesOf(test, closingBytes(closing), signers);
  const record = { month, from: when, to: when, closure: when, closing: { closing, signatures } };
  for (const { replies } of test.evaluators) replies.set("months", () => ok(record));
}

const COMPONENTS = [-5_000_000_000_000n, 12n, 2n ** 58n, 0n];

function billed(test: TestMarket, changes: object = {}, components = COMPONENTS): void {
  const shares = replicatedShares(components);
  for (const { number, replies } of test.evaluators) {
    const bill = { month: monthIn(test), attempt: 2, evaluator: number, periods: 96, estimated: 3 };
    replies.set("bill", () => ok({ ...bill, share: shares[number], ...changes }));
  }
}

describe("a bill", () => {
  it("is put together of what evaluators hold, amounts of either sign", async () => {
    const test = await testMarket();
    const bill = () => clientOf(test).bill(monthIn(test));
    expect(await bill()).toEqual({ state: "open", checks: [] });
    closed(test);
    billed(test);
    const found = await bill();
    const [traded, fees, shortage, surplus] = COMPONENTS;
    const components = { traded, fees, shortage, surplus };
    expect(found).toMatchObject({
      state: "closed",
      bill: { components, periods: 96, estimated: 3 },
    });
    expect(found.checks.filter(({ ok: good }) => !good)).toEqual([]);
    billed(test, { share: null, periods: 0, estimated: 0 });
    expect((await bill()).state).toBe("none");
    billed(test, { attempt: 1 });
    await expect(bill()).rejects.toThrow("a share of another closing");
  });

  it("is not believed when shares do not fit together, or too few have signed the closing", async () => {
    const test = await testMarket();
    const bill = () => clientOf(test).bill(monthIn(test));
    closed(test, closingFor(test), [1]);
    billed(test);
    await expect(bill()).rejects.toThrow(TrustError);
    closed(test);
    const [wrong] = replicatedShares(COMPONENTS);
    const lie = { month: monthIn(test), attempt: 2, evaluator: 0, periods: 96, estimated: 3 };
    test.evaluators[0]!.replies.set("bill", () => ok({ ...lie, share: wrong }));
    await expect(bill()).rejects.toThrow(WrongSharesError);
    const other = closingFor(test, { periods: 95 });
    const signatures = signaturesOf(test, closingBytes(other), [0, 1, 2]);
    const when = textOfPeriod(test.market.firstPeriod);
    const record = { month: monthIn(test), from: when, to: when, closure: when };
    test.evaluators[2]!.replies.set("months", () =>
      ok({ ...record, closing: { closing: other, signatures } }),
    );
    await expect(bill()).rejects.toThrow(EvaluatorsDisagreeError);
  });
});

describe("a supplier", () => {
  it("learns metered sums and its position, each unless it is withheld", async () => {
    const test = await testMarket();
    const client = supplierOf(test);
    const start = test.market.firstPeriod;
    expect((await client.metered(start)).state).toBe("pending");
    settled(test, settlementFor(test));
    const [sums, position] = [replicatedShares([7_000n, 3_000n]), replicatedShares([-512n])];
    const give = (mayPosition: boolean) => {
      for (const { number, replies } of test.evaluators) {
        const metered = {
          period: textOfPeriod(start),
          revision: 0,
          attempt: 1,
          evaluator: number,
          supplier: 1,
          withheld: false,
          share: sums[number],
          positionWithheld: !mayPosition,
          position: mayPosition ? position[number] : null,
        };
        replies.set("metered", () => ok(metered));
      }
    };
    give(true);
    const found = { state: "settled", revision: 0, imported: 7000, exported: 3000 };
    expect(await client.metered(start)).toMatchObject({ ...found, position: -512 });
    // A correction that would betray who was corrected is not told: the first sums stand.
    const correction = { revision: 1, attempt: 2, revealedSuppliers: [true, false] };
    settled(test, settlementFor(test), settlementFor(test, correction));
    expect(await client.metered(start)).toMatchObject({ ...found, position: -512 });
    settled(test, settlementFor(test, { revealedPositions: [false, false] }));
    give(false);
    expect(await client.metered(start)).toMatchObject({ ...found, position: null });
    settled(
      test,
      settlementFor(test, { revealedSuppliers: [true, false], revealedPositions: [true, false] }),
    );
    const nothing = { imported: null, exported: null, position: null };
    expect(await client.metered(start)).toMatchObject({ state: "settled", ...nothing });
  });

  it("learns what each customer owes when the month is closed", async () => {
    for (const setting of [undefined, SHAMIR]) {
      const test = await testMarket(setting);
      const client = supplierOf(test);
      const { parties } = test.market.setting;
      const everybody = Array.from({ length: parties }, (_, i) => i);
      const share = (value: bigint) =>
        setting === undefined ? replicatedShares([value]) : shamirShares([value], parties);
      expect((await client.month(monthIn(test))).state).toBe("open");
      closed(test, closingFor(test, { members: everybody, active: everybody }), everybody);
      const totals = [share(123_456_789n), share(-42n)];
      const position = share(-7n);
      for (const { number, replies } of test.evaluators) {
        const customers = totals.map((total, i) => ({
          meter: `${i}${i}`.repeat(16),
          periods: 96,
          estimated: i,
          share: total[number],
        }));
        const payables = { month: monthIn(test), attempt: 2, evaluator: number, supplier: 1 };
        replies.set("payables", () =>
          ok({ ...payables, customers, positionWithheld: false, position: position[number] }),
        );
      }
      expect(await client.month(monthIn(test))).toMatchObject({
        state: "closed",
        customers: [
          { meter: "0".repeat(32), periods: 96, estimated: 0, total: 123_456_789n },
          { meter: "1".repeat(32), periods: 96, estimated: 1, total: -42n },
        ],
        position: -7n,
      });
    }
  });
});
