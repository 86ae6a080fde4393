// What evaluators send to each other has the same form whatever the orders are: on every link the
// same frames with the same tags and lengths in the same sequence. The trade flag is public, and
// with it whether a price follows.
import { describe, expect, it } from "vitest";
import type { Order, Side } from "../../src/market/order.ts";
import { PRICE_RULES, RATIONINGS } from "../../src/market/parameters.ts";
import type { SentFrame } from "../../src/mpc/parties.test-helper.ts";
import { defaultCommand, market, recordSession } from "./sessions.test-helper.ts";

const alternating = (i: number): Side => (i % 2 ? "buy" : "sell");
/** Buyers pay any price, sellers take any. */
const easy = (i: number) => (i % 2 ? 4000 : 10);

const tradingMarkets = (count: number): Record<string, Order[]> => ({
  "everybody trades": market(count, alternating, easy, (i) => 100 + i),
  "all at one price": market(
    count,
    alternating,
    () => 2000,
    () => 500,
  ),
  "one pair trades, all others are idle": market(
    count,
    (i) => (i < 2 ? alternating(i) : "idle"),
    easy,
    () => 1,
  ),
  "one seller, many buyers at many prices": market(
    count,
    (i) => (i === 0 ? "sell" : "buy"),
    (i) => (i * 37) % 4096,
    () => 65_535,
  ),
  "energies of 0 and the largest": market(count, alternating, easy, (i) =>
    i % 4 < 2 ? 0 : 65_535,
  ),
});

const quietMarkets = (count: number): Record<string, Order[]> => ({
  "all idle": market(
    count,
    () => "idle",
    () => 0,
    () => 0,
  ),
  "sellers only": market(
    count,
    () => "sell",
    (i) => (i * 101) % 4096,
    (i) => 7 * i,
  ),
  "buyers only, at one price": market(
    count,
    () => "buy",
    () => 4095,
    () => 65_535,
  ),
  "nobody agrees": market(
    count,
    alternating,
    (i) => (i % 2 ? 5 : 3000),
    () => 900,
  ),
});

/** Per party everything it sends, in sequence: to whom, tag, length. */
const formOf = (frames: readonly SentFrame[]): string[][] =>
  [0, 1, 2].map((party) =>
    frames
      .filter(({ from }) => from === party)
      .map(({ to, tag, payload }) => `to ${to}, tag ${tag}, ${payload.length} bytes`),
  );

/** Fails with the first difference only: the sequences are thousands of lines long. */
function expectSameForm(actual: readonly string[][], expected: readonly string[][]): void {
  for (const party of [0, 1, 2]) {
    const [own, other] = [actual[party]!, expected[party]!];
    const at = own.findIndex((line, i) => line !== other[i]);
    expect(at === -1 ? null : { party, at, own: own[at], other: other[at] }).toBe(null);
    expect(own.length).toBe(other.length);
  }
}

describe.each([7, 150, 1100])("with %i orders", (count) => {
  it("very different markets look alike on every link", async () => {
    let reference: string[][] | undefined;
    for (const [name, orders] of Object.entries(tradingMarkets(count))) {
      const session = await recordSession(orders);
      expect(session, name).toMatchObject({ traded: true, rejectedCount: 0 });
      const form = formOf(session.frames);
      for (const own of form) expect(own.length).toBeGreaterThan(100);
      reference ??= form;
      expectSameForm(form, reference);
    }

    // Without trade the opening of the price is missing: the last frame of each party, one element.
    for (const own of reference!) expect(own.at(-1)).toMatch(/ 8 bytes$/);
    const withoutPrice = reference!.map((own) => own.slice(0, -1));
    for (const [name, orders] of Object.entries(quietMarkets(count))) {
      const session = await recordSession(orders);
      expect(session, name).toMatchObject({ traded: false, rejectedCount: 0 });
      expectSameForm(formOf(session.frames), withoutPrice);
    }
  });
});

describe("under every rule", () => {
  const rules = PRICE_RULES.flatMap((priceRule) =>
    RATIONINGS.map((rationing) => ({ priceRule, rationing })),
  );
  it.each(rules)("$priceRule, $rationing", async (rule) => {
    const command = { ...defaultCommand, ...rule };
    const [first, ...others] = Object.values(tradingMarkets(33));
    const reference = formOf((await recordSession(first!, command)).frames);
    for (const orders of others) {
      expectSameForm(formOf((await recordSession(orders, command)).frames), reference);
    }
  });
});

it("the form does depend on what is public: the number of orders", async () => {
  const sessions = [];
  for (const count of [40, 41]) {
    sessions.push(await recordSession(Object.values(tradingMarkets(count))[0]!));
  }
  const [fewer, more] = sessions.map(({ frames }) => formOf(frames).flat());
  expect(fewer).not.toEqual(more);
});
