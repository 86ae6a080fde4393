// Order files: reading back what was written, and a line and a reason for everything unreadable.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomMarket } from "../market/brute-force.test-helper.ts";
import type { Order } from "../market/order.ts";
import { defaultMarketParameters, parseMarketParameters } from "../market/parameters.ts";
import { formatOrderFile, parseOrderFile } from "./order-file.ts";

const HEADER = "meter,side,energy_wh,limit_price_ct_per_kwh,supplier";
const open = defaultMarketParameters();
const closed = parseMarketParameters('{"suppliers": ["Nord", "Süd"]}');

function parse(text: string, market = open) {
  return parseOrderFile(new TextEncoder().encode(text), market);
}

/** The problems of a file of these rows, the first being line 2. */
function problemsOf(rows: readonly string[], market = open) {
  return parse([HEADER, ...rows].join("\n"), market).problems;
}

describe("good files", () => {
  const orders: Order[] = [
    { meter: "A 1", side: "buy", energyWh: 1500, limitTick: 1825, supplier: 1 },
    { meter: 'B,"2"', side: "sell", energyWh: 65_535, limitTick: 0, supplier: 0 },
    { meter: "Ç", side: "idle", energyWh: 0, limitTick: null, supplier: 0 },
    { meter: "D", side: "idle", energyWh: 0, limitTick: 4095, supplier: 1 },
  ];
  const rows = [
    "A 1,buy,1500,18.25,Süd",
    '"B,""2""",sell,65535,0.00,Nord',
    "Ç,idle,0,,Nord",
    "D,idle,0,40.95,Süd",
  ];

  test.each([
    ["LF", `${HEADER}\n${rows.join("\n")}\n`],
    ["no line end at the end", `${HEADER}\n${rows.join("\n")}`],
    ["CRLF and a byte order mark", `\uFEFF${HEADER}\r\n${rows.join("\r\n")}\r\n`],
    ["mixed line ends", `${HEADER}\r\n${rows.join("\n")}\r\n`],
    ["everything quoted", `${HEADER}\n${rows.join("\n").replace("A 1,buy", '"A 1","buy"')}`],
  ])("%s", (_, text) => {
    const expected = { orders, suppliers: ["Nord", "Süd"], problems: [], lines: [2, 3, 4, 5] };
    expect(parse(text)).toEqual(expected);
    expect(parse(text, closed)).toEqual(expected);
  });

  test("blank lines count as lines", () => {
    expect(parse(`${HEADER}\n\nA,buy,1,1,S\n\n\nB,buy,1,1,S\n\n`).lines).toEqual([3, 6]);
  });

  test("an empty market", () => {
    const nothing = { orders: [], problems: [], lines: [] };
    expect(parse(HEADER)).toEqual({ ...nothing, suppliers: [] });
    expect(parse(`${HEADER}\r\n`, closed)).toEqual({ ...nothing, suppliers: ["Nord", "Süd"] });
  });

  test("without a list of the market, suppliers are sorted whatever the rows' sequence", () => {
    const file = parse(`${HEADER}\n1,buy,1,1,c\n2,buy,1,1,B\n3,buy,1,1,a\n4,buy,1,1,B\n`);
    expect(file.suppliers).toEqual(["B", "a", "c"]);
    expect(file.orders.map((order) => order.supplier)).toEqual([2, 0, 1, 0]);
  });

  test("with a list of the market, its sequence counts", () => {
    const market = parseMarketParameters('{"suppliers": ["z", "a"]}');
    const file = parse(`${HEADER}\n1,buy,1,1,a\n`, market);
    expect(file.suppliers).toEqual(["z", "a"]);
    expect(file.orders[0]?.supplier).toBe(1);
  });

  test("any orders written are read back", () => {
    const names = ["plain", 'with "quotes", commas', "ünïcode ⚡"];
    const market = parseMarketParameters(JSON.stringify({ suppliers: names }));
    const meter = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(randomMarket({ priceBits: 12 }), fc.infiniteStream(meter), (of, meters) => {
        const written = of.orders.map((order, i) => {
          const name = String(meters.next().value).replace(/\p{Cc}/gu, "");
          return { ...order, meter: `${i} ${name}`.slice(0, 60).toWellFormed() };
        });
        const file = parse(formatOrderFile(written, market, names), market);
        expect(file.problems).toEqual([]);
        expect(file.orders).toEqual(written);
      }),
    );
  });
});

describe("bad rows", () => {
  test.each([
    ["A,bye,1,1,S", 'side is "bye"; expected buy, sell or idle'],
    ["A,Buy,1,1,S", 'side is "Buy"; expected buy, sell or idle'],
    ["A,buy,1.5,1,S", 'energy_wh is "1.5"; expected a whole number from 0 to 65535'],
    ["A,buy,-1,1,S", 'energy_wh is "-1"; expected a whole number from 0 to 65535'],
    ["A,buy,65536,1,S", 'energy_wh is "65536"; expected a whole number from 0 to 65535'],
    ["A,buy,,1,S", 'energy_wh is ""; expected a whole number from 0 to 65535'],
    ["A,buy,1e3,1,S", 'energy_wh is "1e3"; expected a whole number from 0 to 65535'],
    ["A,idle,5,,S", "energy_wh is 5; an idle row must have 0"],
    ["A,idle,0,1.005,S", "off the grid: nearest are 1.00 and 1.01"],
    ["A,buy,1,,S", "limit_price_ct_per_kwh is missing; only an idle row may leave it empty"],
    ["A,buy,1,41,S", 'limit_price_ct_per_kwh "41" is above the market\'s highest price 40.95'],
    ["A,buy,1,-1,S", 'limit_price_ct_per_kwh "-1" is below the market\'s lowest price 0.00'],
    ['A,buy,1,"18,25",S', "write a decimal point, 18.25"],
    ["A,buy,1,18,25,S", "6 columns; expected 5"],
    ["A,buy,1,18,25,S", "(a price takes a decimal point, 18.25)"],
    ["A,buy,1", "3 columns; expected 5"],
    [",buy,1,1,S", "meter is empty"],
    [`${"m".repeat(65)},buy,1,1,S`, "meter has more than 64 characters"],
    ["A,buy,1,1,", "supplier is empty"],
    ['"A\nB",buy,1,1,S', "meter contains a line break"],
    ["A,buy,1,1,\u001b[31mS", "supplier contains a line break or another control character"],
    ['A"B,buy,1,1,S', "a quote is not closed, or not written twice inside quotes"],
    ['"A"B,buy,1,1,S', "a quote is not closed, or not written twice inside quotes"],
  ])("%j", (row, reason) => {
    const problems = problemsOf(["ok,buy,1,1,S", row]);
    expect(problems).toEqual([{ line: 3, reason: expect.stringContaining(reason) }]);
  });

  test("every reason of a row, and every row, with good ones in between", () => {
    const rows = ["A,bye,x,9999,", "B,buy,1,1,S", '"C\n\nD",buy,1,1,S', "E,buy,1,1"];
    const problems = problemsOf(rows);
    expect(problems.map(({ line }) => line)).toEqual([2, 4, 7]);
    expect(problems[0]?.reason.split("; ").length).toBeGreaterThanOrEqual(4);
  });

  test("a second order of a meter names the line of the first", () => {
    const rows = ["A,buy,1,1,S", "B,buy,1,1,S", "A,sell,1,1,S", "A,idle,0,,S"];
    const reason = 'meter "A" already has an order on line 2';
    expect(problemsOf(rows)).toEqual([
      { line: 4, reason },
      { line: 5, reason },
    ]);
  });

  test("suppliers: those of the market, or at most 16", () => {
    const reason = 'supplier "West" is not in this market; it has "Nord", "Süd"';
    expect(problemsOf(["A,buy,1,1,West"], closed)).toEqual([{ line: 2, reason }]);
    const rows = Array.from({ length: 17 }, (_, k) => `${k},buy,1,1,S${k}`);
    expect(problemsOf(rows.slice(0, 16))).toEqual([]);
    expect(problemsOf([...rows, "x,buy,1,1,S3"])).toEqual([
      { line: 18, reason: expect.stringContaining('"S16" is one too many') },
    ]);
  });

  test("rows below a broken quote are read on", () => {
    const reason = "a quote is not closed, or not written twice inside quotes";
    const rows = ["A,buy,1,1,S", 'B,buy,1,1,"S', "C,buy,1,1,S", 'D"D,buy', "A,buy,1,1,S"];
    for (const lineEnd of ["\n", "\r\n"]) {
      const file = parse([HEADER, ...rows, "", '"E"E', "F,buy,1,1,S"].join(lineEnd));
      expect(file.problems).toEqual([
        { line: 3, reason },
        { line: 5, reason },
        { line: 6, reason: 'meter "A" already has an order on line 2' },
        { line: 8, reason },
      ]);
      expect(file.lines).toEqual([2, 4, 9]);
    }
  });
});

describe("files that are no order files", () => {
  test("nothing but the wrong header is reported", () => {
    for (const header of [
      "meter,side,energy_wh,limit_price_ct_per_kwh",
      `${HEADER},more`,
      HEADER.toUpperCase(),
      HEADER.replaceAll(",", ";"),
      "A,buy,1,1,S",
      'meter"x,side',
      `"${HEADER}`,
    ]) {
      const file = parse(`${header}\nA,bye,1\nB"B\n"C"C\n`);
      expect(file.problems, header).toHaveLength(1);
      expect(file.problems[0]?.reason).toContain(`it must be ${HEADER}`);
      expect(file.orders).toEqual([]);
    }
  });

  test("a header separated by semicolons gets a hint", () => {
    const [problem] = parse(HEADER.replaceAll(",", ";")).problems;
    expect(problem?.reason).toMatch(/; separate by commas$/);
  });

  test("an empty file", () => {
    for (const text of ["", "\uFEFF", "\n\r\n"]) {
      const reason = `the file is empty; its first line must be ${HEADER}`;
      expect(parse(text).problems).toEqual([{ line: 1, reason }]);
    }
  });

  test("bytes that are not UTF-8 are named by their line", () => {
    const reason = "not UTF-8 text; save the file as UTF-8";
    const good = new TextEncoder().encode(`${HEADER}\nÄ,buy,1,1,S\n`);
    const latin1 = Uint8Array.of(...good, 0xc4, 0x2c, 0x0a, 0xff);
    expect(parseOrderFile(latin1, open).problems).toEqual([{ line: 3, reason }]);
    const cutOff = Uint8Array.of(...good, 0xe2, 0x82);
    expect(parseOrderFile(cutOff, open).problems).toEqual([{ line: 3, reason }]);
    const utf16 = Uint8Array.of(0xff, 0xfe, 0x6d, 0x00, 0x0a, 0x00);
    expect(parseOrderFile(utf16, open).problems).toEqual([{ line: 1, reason }]);
  });

  test("any bytes and any rows end in a result", () => {
    const text = fc.array(fc.constantFrom("A", ",", '"', "\n", "\r", "buy", "1", ";", "\u0000"));
    const rows = text.map((parts) => new TextEncoder().encode(`${HEADER}\n${parts.join("")}`));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), rows), (bytes) => {
        const file = parseOrderFile(bytes, open);
        expect(file.orders.length).toBe(file.lines.length);
        for (const { line, reason } of file.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(reason).not.toMatch(/\p{Cc}|undefined/u);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test("a view into a larger buffer is read as what it shows", () => {
  const bytes = new TextEncoder().encode(`xxx${HEADER}\nA,buy,1,1,S\nyyy`);
  const file = parseOrderFile(bytes.subarray(3, bytes.length - 3), open);
  expect(file.problems).toEqual([]);
  expect(file.orders).toHaveLength(1);
});
