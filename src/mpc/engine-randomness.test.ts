// The random values of every engine: what they are, that they are balanced, and that no two calls
// give the same.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { P } from "../field/reference.ts";
import { ENGINE_KINDS, Parties } from "./engines.test-helper.ts";

describe.each(ENGINE_KINDS)("randomness of the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  /** How far the number of ones is from half, in standard deviations. */
  const imbalance = (ones: number, count: number) =>
    Math.abs(ones - count / 2) / Math.sqrt(count / 4);

  it("random bits are bits, balanced, and new at every call", async () => {
    const [first, second] = await parties.reveal(async (engine) => [
      await engine.randomBits(20_001),
      await engine.randomBits(20_001),
    ]);
    const counts = [first!, second!, first!.map((bit, i) => bit ^ second![i]!)].map((bits) => {
      expect(bits.every((bit) => bit === 0n || bit === 1n)).toBe(true);
      return bits.filter((bit) => bit === 1n).length;
    });
    for (const ones of counts) expect(imbalance(ones, 20_001)).toBeLessThan(6);
  });

  it("random bits go beyond one buffer of the generator", async () => {
    const count = 64 * 8192 + 1000;
    const [bits] = await parties.reveal(async (engine) => [await engine.randomBits(count)]);
    const ones = bits!.filter((bit) => bit === 1n).length;
    expect(bits!.every((bit) => bit <= 1n)).toBe(true);
    expect(imbalance(ones, count)).toBeLessThan(6);
    // Were the buffer used twice, the end would repeat the beginning.
    expect(bits!.slice(-1000).join()).not.toBe(bits!.slice(0, 1000).join());
  });

  it("random elements are in the field, uniform in every bit, and never repeat", async () => {
    const [first, second] = await parties.reveal(async (engine) => [
      await engine.random(10_000),
      await engine.random(10_000),
    ]);
    const all = [...first!, ...second!];
    expect(all.every((x) => x < P)).toBe(true);
    expect(new Set(all).size).toBe(all.length);
    for (let bit = 0n; bit < 61n; bit++) {
      const ones = all.filter((x) => (x >> bit) & 1n).length;
      expect(imbalance(ones, all.length)).toBeLessThan(6);
    }
  });

  it("a coin is the same at all parties, and new at every toss", async () => {
    const tosses = await parties.run(async (engine) => [await engine.coin(), await engine.coin()]);
    for (const own of tosses) expect(own).toEqual(tosses[0]);
    const [[first, second]] = tosses as [[Uint8Array, Uint8Array]];
    expect(first).toHaveLength(32);
    expect(first).not.toEqual(second);
    const other = await Parties.start(kind);
    const [again] = await other.run((engine) => engine.coin());
    other.close();
    expect(again).not.toEqual(first);
  });
});
