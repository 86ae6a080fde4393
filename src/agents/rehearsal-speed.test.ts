// Rehearsals are as fast as the machine allows.
import { expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { systemClock } from "../platform/clock.ts";
import { contention, rehearsalSpeed } from "./rehearsal-speed.ts";

it("slows down with more meters, fewer processors and other work", () => {
  expect(rehearsalSpeed(60, 1, 2)).toBe(1000);
  expect(rehearsalSpeed(60, 1, 64)).toBe(1000);
  expect(rehearsalSpeed(120, 1, 2)).toBe(500);
  expect(rehearsalSpeed(60, 2, 2)).toBe(500);
  expect(rehearsalSpeed(60, 50, 2)).toBe(333);
  expect(rehearsalSpeed(60, 1, 1)).toBe(500);
  expect(rehearsalSpeed(1, 1, 2)).toBe(2500);
  expect(rehearsalSpeed(10_000, 100, 1)).toBe(1);
});

it("measures how much slower work is than it could be", () => {
  let now = 0;
  // Every second piece takes three times as long.
  const costs = [1, 3];
  let calls = 0;
  const clock = {
    nowMs: () => {
      if (calls % 2 === 1) now += costs[((calls - 1) / 2) % 2]!;
      calls += 1;
      return now;
    },
  };
  expect(contention(clock, nodePrimitives)).toBeCloseTo(2);
  expect(contention(systemClock, nodePrimitives)).toBeGreaterThanOrEqual(1);
});
