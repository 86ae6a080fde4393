// The browser's primitives give the bytes of Node's, whatever they are given.
import fc from "fast-check";
import { expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { orderLayout } from "../market/order-layout.ts";
import { splitRows } from "../sharing/replicated.ts";
import { webPrimitives } from "./web-primitives.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

it("hashes as Node does", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), (parts) => {
      expect(webPrimitives.sha256(...parts)).toEqual(nodePrimitives.sha256(...parts));
    }),
  );
});

it("gives the same stream of a key, however it is cut", () => {
  const lengths = fc.array(fc.nat(200), { maxLength: 12 });
  fc.assert(
    fc.property(bytes(16), lengths, (key, cuts) => {
      const [web, node] = [webPrimitives.prg(key), nodePrimitives.prg(key)];
      for (const length of cuts) {
        const [a, b] = [new Uint8Array(length).fill(1), new Uint8Array(length).fill(2)];
        web.fill(a);
        node.fill(b);
        expect(a).toEqual(b);
      }
    }),
  );
  const changed = new Uint8Array(16);
  const prg = webPrimitives.prg(changed);
  changed.fill(9);
  const [a, b] = [new Uint8Array(100_000), new Uint8Array(100_000)];
  prg.fill(a);
  nodePrimitives.prg(new Uint8Array(16)).fill(b);
  expect(Buffer.compare(a, b)).toBe(0);
});

it("expands seeds as Node does, aligned or not", () => {
  fc.assert(
    fc.property(fc.nat(8), fc.nat(300), fc.nat(7), (seeds, blocks, shift) => {
      const own = nodePrimitives.randomBytes(shift + 16 * seeds).subarray(shift);
      const before = own.slice();
      expect(webPrimitives.expandSeeds(own, blocks)).toEqual(
        nodePrimitives.expandSeeds(own, blocks),
      );
      expect(own).toEqual(before);
    }),
  );
});

it("draws fresh random bytes, also many", () => {
  expect(webPrimitives.randomBytes(0)).toEqual(new Uint8Array());
  const many = webPrimitives.randomBytes(200_000);
  const counts = new Array<number>(256).fill(0);
  for (const byte of many) counts[byte]! += 1;
  // 781 of each are expected; ten standard deviations are 280.
  expect(Math.min(...counts)).toBeGreaterThan(500);
  expect(Math.max(...counts)).toBeLessThan(1061);
  expect(webPrimitives.randomBytes(32)).not.toEqual(webPrimitives.randomBytes(32));
});

it("refuses what Node's refuse", () => {
  expect(() => webPrimitives.prg(new Uint8Array(15))).toThrow("16 bytes");
  expect(() => webPrimitives.expandSeeds(new Uint8Array(17), 1)).toThrow("16 bytes");
  expect(() => webPrimitives.expandSeeds(new Uint8Array(16), -1)).toThrow("32-bit count");
});

it("splits an order that Node's can put together", () => {
  const field = new Field();
  const { width } = orderLayout(12, 16, 2);
  const row = Uint8Array.from({ length: width }, (_, i) => i % 2);
  const { seeds0, seeds1, component2 } = splitRows(field, webPrimitives, row, width);
  const sum = field.alloc(width);
  const part = field.alloc(width);
  field.setBytes(sum, component2);
  for (const seed of [seeds0, seeds1]) {
    field.setBytes(part, nodePrimitives.expandSeeds(seed, width / 2));
    field.maskPrg(part);
    field.add(sum, sum, part);
  }
  expect([...field.toNumbers(sum)]).toEqual([...row]);
});
