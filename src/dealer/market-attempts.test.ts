// A market's dealer at the ends of links: an attempt begins when all evaluators name the same rows, is dealt once, and
// gives everybody what fits what meters and suppliers were told; everything else is refused.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Link } from "../channel/channel.ts";
import { memoryLinks } from "../channel/memory.ts";
import { maskRow } from "../client/row-sharing.ts";
import { createAuthority } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { parseMarketDocument } from "../market/market-document.ts";
import { type AttemptRows, DealerLink, joinAttempt } from "../mpc/dealer-access.ts";
import { DealerEngine } from "../mpc/dealer-engine.ts";
import { closePeers, meshedPeers } from "../mpc/parties.test-helper.ts";
import { systemClock } from "../platform/clock.ts";
import { nextTurn } from "../platform/turn.ts";
import { expandMask } from "../sharing/masks.ts";
import { MASK_NAME_BYTES, NONCE_BYTES } from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";
import { completeSetting } from "../wire/setting.ts";
import { serveEvaluator } from "./evaluator-links.ts";
import { MarketAttempts } from "./market-attempts.ts";
import { MaskKeys } from "./mask-keys.ts";

const PERIOD_S = 900;
const FIRST = 1_800_000_000;
const WIDTH = 5;
const authority = await createAuthority("Rosenweg");
const { priorityOrder: _, ...setting } = completeSetting({ engine: "dealer", parties: 2 });
const address = { host: "127.0.0.1", port: 1 };
const url = "https://one.example";
const market = parseMarketDocument(
  JSON.stringify({
    version: 1,
    id: "rosenweg",
    parameters: { suppliers: ["Aurora", "Borealis"] },
    setting,
    schedule: { period_s: PERIOD_S, first_period: new Date(FIRST * 1000).toISOString() },
    evaluators: [0, 1].map((i) => ({ name: `evaluator ${i}`, url, peers: [address] })),
    dealer: { name: "dealer", url, links: address },
    authority: authority.certificatePem,
  }),
);
const keys = new MaskKeys(randomBytes(32), market.id);
const tools = { field: new Field(), primitives: nodePrimitives };

interface TestDealer {
  readonly said: string[];
  call(evaluator: number): Link;
  close(): void;
}

function dealerAt(nowS = FIRST, joinMs = 5_000): TestDealer {
  const said: string[] = [];
  const attempts = new MarketAttempts({
    market,
    marketClock: { nowS: () => nowS, msUntil: () => 0 },
    clock: systemClock,
    field: new Field(),
    primitives: nodePrimitives,
    keys,
    widths: { order: WIDTH, reading: WIDTH },
    onAttempt: (what) => said.push(what),
    joinMs,
  });
  const links: Link[] = [];
  return {
    said,
    call(evaluator) {
      const [own, served] = memoryLinks(`evaluator-${evaluator}`, "dealer-0") as [Link, Link];
      links.push(own);
      const onRefused = (_: string, reason: string) => said.push(reason);
      void serveEvaluator({ attempts, onRefused }, served, evaluator);
      return own;
    },
    close: () => {
      for (const link of links) link.close();
    },
  };
}

const meters = ["0a", "1b", "2c"].map((byte) => byte.repeat(16));
const nonces = meters.map(() => randomBytes(NONCE_BYTES));
const namesOf = (order: readonly number[]) =>
  Uint8Array.from(order.flatMap((i) => [...Buffer.from(meters[i]!, "hex"), ...nonces[i]!]));
const rows: AttemptRows = {
  kind: "order",
  periodStart: FIRST,
  attempt: 3,
  suppliers: [1],
  names: namesOf([0, 1, 2]),
};

const join = (dealer: TestDealer, evaluator: number, attempt: AttemptRows = rows) =>
  joinAttempt(dealer.call(evaluator), nodePrimitives, attempt, evaluator === 0);

const expanded = (seed: Uint8Array, length: number) => {
  const mask = tools.field.alloc(length);
  expandMask(tools.field, nodePrimitives, seed, mask);
  return mask;
};

/** Both evaluators join, and compute. */
async function computed<T>(dealer: TestDealer, use: (engine: DealerEngine) => Promise<T>) {
  const peers = meshedPeers(2);
  const joined = await Promise.all([join(dealer, 0), join(dealer, 1)]);
  expect(joined[0]!.session).toBe(joined[1]!.session);
  const results = await Promise.all(
    joined.map(async ({ access }, party) => {
      const own = peers[party]!;
      const engine = await DealerEngine.start(new Field(), own, access, nodePrimitives, nextTurn);
      return use(engine);
    }),
  );
  closePeers(peers);
  return { session: joined[0]!.session, results };
}

it("shares the masks that meters have, and hides results under those that they are told", async () => {
  const dealer = dealerAt();
  const sent = meters.map((meter, i) => {
    const name = { kind: "order", periodStart: FIRST, meter, nonce: toHex(nonces[i]!) } as const;
    const row = Uint8Array.from({ length: WIDTH }, (_, j) => (i + j) % 2);
    return maskRow(tools, { nonce: nonces[i]!, seed: keys.row(name) }, row);
  });
  const values = [5, 6, 7, 2 ** 40, 9];
  const { session, results } = await computed(dealer, async (engine) => {
    const { field } = engine;
    const masked = field.alloc(meters.length * WIDTH);
    sent.forEach((piece, i) => {
      field.setBytes(masked, piece.subarray(NONCE_BYTES), i * WIDTH);
    });
    const masks = await engine.inputMasks(masked.length);
    const opened = await engine.openVerified(engine.add(masks, engine.fromPublic(masked)));
    const told = await engine.reveal([
      engine.constant(values.slice(0, 3)),
      engine.constant(values.slice(3)),
    ]);
    return { bits: [...field.toNumbers(opened)], told: Buffer.concat(told) };
  });
  expect(results[0]!.bits).toEqual(
    meters.flatMap((_, i) => [0, 1, 2, 3, 4].map((j) => (i + j) % 2)),
  );
  expect(results[0]!.told).toEqual(results[1]!.told);
  const name = { kind: "order", periodStart: FIRST, attempt: 3, session } as const;
  const parties = [...meters.map((meter) => `meter-${meter}`), "supplier-1"];
  const unmasked = parties.flatMap((party, i) => {
    const mask = expanded(keys.result({ ...name, party }), i < 3 ? 1 : 2);
    const own = tools.field.alloc(mask.length);
    tools.field.setBytes(own, results[0]!.told.subarray(8 * i, 8 * (i + mask.length)));
    tools.field.add(own, own, mask);
    return [...tools.field.toNumbers(own)];
  });
  expect(unmasked).toEqual(values);
  dealer.close();
});

it("has a mask for every use, and none for two", () => {
  const row = {
    kind: "order",
    periodStart: FIRST,
    meter: meters[0]!,
    nonce: toHex(nonces[0]!),
  } as const;
  const result = { ...row, attempt: 1, session: "00".repeat(16), party: `meter-${meters[0]}` };
  const seeds = [
    keys.row(row),
    keys.row({ ...row, kind: "reading" }),
    keys.row({ ...row, periodStart: FIRST + PERIOD_S }),
    keys.row({ ...row, meter: meters[1]! }),
    keys.row({ ...row, nonce: toHex(nonces[1]!) }),
    new MaskKeys(randomBytes(32), market.id).row(row),
    keys.result(result),
    keys.result({ ...result, attempt: 2 }),
    keys.result({ ...result, session: "01".repeat(16) }),
    keys.result({ ...result, party: "supplier-0" }),
  ].map(toHex);
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(toHex(keys.row(row))).toBe(seeds[0]);
});

describe("an attempt", () => {
  it("is not dealt when evaluators name different rows, and is when they then name the same", async () => {
    const dealer = dealerAt();
    const other = { ...rows, names: namesOf([0, 1]) };
    const both = await Promise.allSettled([join(dealer, 0), join(dealer, 1, other)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const suppliers = { ...rows, suppliers: [0, 1] };
    const again = await Promise.allSettled([join(dealer, 0), join(dealer, 1, suppliers)]);
    expect(again.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(dealer.said.join()).toContain("another set of rows");
    await Promise.all([join(dealer, 0), join(dealer, 1)]);
    expect(dealer.said.at(-1)).toBe("dealt");
    dealer.close();
  });

  it("is dealt once, and none before it afterwards", async () => {
    const dealer = dealerAt();
    await Promise.all([join(dealer, 0), join(dealer, 1)]);
    await expect(join(dealer, 0)).rejects.toThrow();
    await expect(join(dealer, 1, { ...rows, attempt: 2 })).rejects.toThrow();
    expect(dealer.said.join()).toContain("attempt 2 is over: the last one was 3");
    const next = { ...rows, attempt: 4 };
    await Promise.all([join(dealer, 0, next), join(dealer, 1, next)]);
    dealer.close();
  });

  it.each([
    ["a meter twice", { names: namesOf([0, 1, 1]) }, "one of each"],
    ["meters in another order", { names: namesOf([1, 0]) }, "order of meters"],
  ])("with %s is refused", async (_what, change, reason) => {
    const dealer = dealerAt();
    const bad = { ...rows, ...change };
    const both = await Promise.allSettled([join(dealer, 0, bad), join(dealer, 1, bad)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(dealer.said.join()).toContain(reason);
    dealer.close();
  });

  it.each<[string, Partial<AttemptRows>, string]>([
    ["before the gate closes", { periodStart: FIRST + 96 * PERIOD_S }, "not closed"],
    ["at no period", { periodStart: FIRST + 1 }, "not closed"],
    ["at readings, which this market has not", { kind: "reading" }, "no settlement"],
    ["with a supplier that there is not", { suppliers: [2] }, "suppliers"],
    ["with a supplier twice", { suppliers: [1, 1] }, "suppliers"],
  ])("%s is refused", async (_what, change, reason) => {
    const dealer = dealerAt();
    await expect(join(dealer, 1, { ...rows, ...change })).rejects.toThrow();
    expect(dealer.said.join()).toContain(reason);
    dealer.close();
  });

  it("comes to nothing when an evaluator goes, is missing, or is not of the market", async () => {
    const dealer = dealerAt(FIRST, 50);
    await expect(join(dealer, 1)).rejects.toThrow();
    expect(dealer.said.join()).toContain("not all evaluators have joined");
    const link = dealer.call(1);
    const joining = joinAttempt(link, nodePrimitives, rows, false);
    const first = join(dealer, 0, { ...rows, attempt: 9 });
    await expect(joining).rejects.toThrow();
    expect(dealer.said.join()).toContain("a later attempt has begun");
    await expect(first).rejects.toThrow();
    await expect(join(dealer, 2)).rejects.toThrow();
    expect(dealer.said.join()).toContain("no evaluator 2");
    dealer.close();
  });

  it("gives corrections to evaluator 0 only, and only of an attempt", async () => {
    const dealer = dealerAt();
    const first = new DealerLink(dealer.call(0));
    await expect(first.ask({ type: "material", kind: "rows" }, 8)).rejects.toThrow();
    const link = dealer.call(1);
    const [, { access }] = await Promise.all([
      join(dealer, 0),
      joinAttempt(link, nodePrimitives, rows, false),
    ]);
    await expect(access.corrections("rows")).rejects.toThrow();
    expect(dealer.said.at(-1)).toContain("evaluator 0");
    dealer.close();
  });

  it("whose evaluator 0 names other rows than it announced is refused", async () => {
    const dealer = dealerAt();
    const second = join(dealer, 1);
    const link = dealer.call(0);
    const digest = toHex(nodePrimitives.sha256(rows.names));
    const { names, ...rest } = rows;
    const count = names.length / MASK_NAME_BYTES;
    link.send(
      1,
      new TextEncoder().encode(JSON.stringify({ type: "attempt", ...rest, count, digest })),
    );
    link.send(
      2,
      Uint8Array.from(names, (byte, i) => (i === 40 ? byte ^ 1 : byte)),
    );
    await expect(second).rejects.toThrow();
    expect(dealer.said.join()).toContain("other rows than it has announced");
    dealer.close();
  });
});
