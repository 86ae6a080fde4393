// When orders are sent: within the window, evenly, whatever is left of it.
import { expect, it } from "vitest";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { fraction, submissionTime, submissionWindow } from "./submission-time.ts";

const schedule = { period_s: 900, first_period: "", gate_closure_periods: 2, open_periods: 3 };
const market = { schedule, rehearsal: null as { speed: number } | null } as MarketDocument;
const START = 900_000;
const CLOSURE = START - 1800;

it("opens before the gate closes and leaves time for trying again", () => {
  expect(submissionWindow(market, START, 2)).toEqual({ from: CLOSURE - 1800, to: CLOSURE - 180 });
  // A rehearsal's seconds are short, and half of the window is left in any case.
  const fast = (speed: number) => ({ ...market, rehearsal: { speed, real: "", market: "" } });
  expect(submissionWindow(fast(150), START, 2).to).toBe(CLOSURE - 600);
  expect(submissionWindow(fast(10_000), START, 2).to).toBe(CLOSURE - 900);
  // Not before the market takes orders.
  expect(submissionWindow(market, START, 10).from).toBe(CLOSURE - 2700);
});

it("draws moments evenly from what is left", () => {
  const window = submissionWindow(market, START, 2);
  const moments = Array.from({ length: 4000 }, () => submissionTime(window, 0, nodePrimitives));
  expect(moments.every((at) => at >= window.from && at < window.to)).toBe(true);
  const quarter = (window.to - window.from) / 4;
  for (let k = 0; k < 4; k++) {
    const from = window.from + k * quarter;
    const inside = moments.filter((at) => at >= from && at < from + quarter).length;
    // 1000 expected, standard deviation 27.
    expect(Math.abs(inside - 1000)).toBeLessThan(170);
  }
  const late = window.to - 10;
  expect(submissionTime(window, late, nodePrimitives)).toBeGreaterThanOrEqual(late);
  expect(submissionTime(window, window.to + 5, nodePrimitives)).toBe(window.to + 5);
});

it("reads bytes as a number below 1", () => {
  expect(fraction(Uint8Array.of(0x80))).toBe(0.5);
  expect(fraction(Uint8Array.of(0x80, 0x40))).toBe(0.5 + 0.25 / 256);
  expect(fraction(new Uint8Array(6).fill(255))).toBeLessThan(1);
});
