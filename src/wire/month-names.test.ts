// The names of a month: what is decoded is what was encoded, in the length that both sides reckon with.
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeMonthNames, encodeMonthNames, monthNamesLength } from "./month-names.ts";

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array) => Buffer.from(array).toString("hex"));

const anyMonth = fc.uniqueArray(hex(16), { maxLength: 20 }).chain((ids) =>
  fc.record({
    meters: fc
      .constant(ids)
      .chain((all) =>
        fc.tuple(
          ...all.map((meter) => fc.record({ meter: fc.constant(meter), supplier: fc.nat(15) })),
        ),
      ),
    settlements: fc.array(
      fc.record({
        start: fc.nat(2 ** 31),
        attempt: fc.nat(1000),
        session: hex(16),
        covered: fc
          .subarray(ids.map((_, place) => place))
          .map((places) => Uint32Array.from(places)),
      }),
      { maxLength: 5 },
    ),
  }),
);

it("are read as they were written", () => {
  fc.assert(
    fc.property(anyMonth, (month) => {
      const bytes = encodeMonthNames(month);
      const counts = { meters: month.meters.length, settlements: month.settlements.length };
      expect(bytes.length).toBe(monthNamesLength(counts.meters, counts.settlements));
      expect(decodeMonthNames(bytes, counts)).toEqual(month);
    }),
  );
});

it("have these bytes", () => {
  const meters = [0, 1, 2].map((i) => ({ meter: `0${i}`.repeat(16), supplier: i }));
  const session = "ab".repeat(16);
  const one = { start: 0x01020304, attempt: 5, session, covered: Uint32Array.of(0, 2) };
  expect(Buffer.from(encodeMonthNames({ meters, settlements: [one] })).toString("hex")).toBe(
    `${"00".repeat(17)}${"01".repeat(17)}${"02".repeat(17)}0403020105000000${session}05`,
  );
});
