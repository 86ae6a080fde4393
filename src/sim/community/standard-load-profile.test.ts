// The embedded profile: its total and shape, and the factor of the day of the year.

import { expect, test } from "vitest";
import { dynamisation, juneWorkdayWh, QUARTERS } from "./standard-load-profile.ts";

test("F(d) is high in winter, low in summer and about 1 over the year", () => {
  const year = Array.from({ length: 365 }, (_, i) => dynamisation(i + 1));
  expect(dynamisation(1)).toBeCloseTo(1.242, 3);
  expect(Math.min(...year)).toBe(year.slice(150, 240).toSorted((a, b) => a - b)[0]);
  expect(year.reduce((total, factor) => total + factor, 0) / 365).toBeCloseTo(1, 1);
});

test("a household of 3,500 kWh uses some 8 kWh on a June workday", () => {
  const wh = juneWorkdayWh(3500, 169);
  expect(wh).toHaveLength(QUARTERS);
  const total = wh.reduce((sum, value) => sum + value, 0);
  expect(total).toBeGreaterThan(7_200);
  expect(total).toBeLessThan(8_600);
});

test("least is used before four in the morning, most around half past seven in the evening", () => {
  const wh = juneWorkdayWh(1000, 169);
  expect(wh.indexOf(Math.min(...wh)) / 4).toBe(3.25);
  expect(wh.indexOf(Math.max(...wh)) / 4).toBe(19.5);
});
