// Rehearsals are as fast as the machine allows.
import { expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { rehearsalSpeed, slowness } from "./rehearsal-speed.ts";

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

it("measures how long work takes, all of it", () => {
  const every = (...costs: number[]) => {
    let [now, calls] = [0, 0];
    const nowMs = () => {
      if (calls % 2 === 1) now += costs[((calls - 1) / 2) % costs.length]!;
      calls += 1;
      return now;
    };
    return slowness({ nowMs });
  };
  const quick = every(2);
  expect(every(6)).toBeCloseTo(3 * quick);
  expect(every(2, 6)).toBeCloseTo(2 * quick);
  expect(every(0)).toBe(1);
  expect(slowness(systemClock)).toBeGreaterThanOrEqual(1);
});
