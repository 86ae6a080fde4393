// Times every kernel of the field layer: nanoseconds per element, median of several runs, for
// vectors in the processor's caches and for vectors beyond them. Usage: node bench/kernels.ts
// [name...]
import { randomFillSync } from "node:crypto";
import { Field } from "../src/field/field.ts";

const LENGTHS = [8192, 1_000_000];
const RUNS = 9;
const RUN_MS = 20;
const ROW_LENGTH = 64;

/** One call per kernel on vectors of `length` elements, by name. */
function kernelCalls(length: number): Map<string, () => void> {
  const field = new Field();
  const random = () => {
    const v = field.alloc(length);
    field.setBytes(v, randomFillSync(new Uint8Array(length * 8)));
    field.maskPrg(v);
    return v;
  };
  const [z, x0, x1, y0, y1] = [random(), random(), random(), random(), random()];
  const [one, s0, s1] = [field.alloc(1), y0.slice(0, 1), y1.slice(0, 1)];
  const rowCount = Math.floor(length / ROW_LENGTH);
  const rows0 = x0.slice(0, rowCount * ROW_LENGTH);
  const [combined, coefficients] = [z.slice(0, rowCount), y0.slice(0, ROW_LENGTH)];
  const blocks = z.slice(0, Math.ceil(length / ROW_LENGTH));
  const indices = field.memory.allocIndices(length);
  const order = field.memory.indices(indices);
  for (let i = 0; i < length; i++) order[i] = (i * 7919) % length;
  return new Map([
    ["add", () => field.add(z, x0, x1)],
    ["sub", () => field.sub(z, x0, x1)],
    ["neg", () => field.neg(z, x0)],
    ["mul", () => field.mul(z, x0, x1)],
    ["scale", () => field.scale(z, x0, 123_456_789)],
    ["addNumber", () => field.addNumber(z, x0, 123_456_789)],
    ["multiplyAdd", () => field.multiplyAdd(z, x0, x1)],
    ["fill", () => field.fill(z, 1)],
    ["copy", () => field.copy(z, x0)],
    ["sum", () => field.sum(one, x0)],
    ["prefixSums", () => field.prefixSums(z, x0)],
    ["blockSums (64)", () => field.blockSums(blocks, x0, ROW_LENGTH)],
    ["dot", () => field.dot(one, x0, x1)],
    ["gather", () => field.gather(z, x0, indices)],
    ["isCanonical", () => void field.isCanonical(x0)],
    ["crossSet", () => field.crossSet(z, x0, x1, y0, y1)],
    ["crossSet, y single", () => field.crossSet(z, x0, x1, s0, s1)],
    ["crossAdd", () => field.crossAdd(z, x0, x1, y0, y1)],
    ["crossAdd, y single", () => field.crossAdd(z, x0, x1, s0, s1)],
    ["crossDot", () => field.crossDot(one, x0, x1, y0, y1)],
    ["maskPrg", () => field.maskPrg(z)],
    ["addZeroShare", () => field.addZeroShare(z, x0, x1)],
    ["combineRows (64)", () => field.combineRows(combined, rows0, coefficients)],
  ]);
}

/** Nanoseconds per element: the median of RUNS runs of about RUN_MS each, after one to warm up. */
function measure(call: () => void, length: number): number {
  const run = (repeats: number) => {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) call();
    return performance.now() - start;
  };
  run(10);
  const repeats = Math.max(1, Math.round((RUN_MS / run(10)) * 10));
  run(repeats);
  const times = Array.from({ length: RUNS }, () => run(repeats)).sort((a, b) => a - b);
  return (times[RUNS >> 1]! * 1e6) / (repeats * length);
}

const wanted = process.argv.slice(2);
const tables = LENGTHS.map((length) => ({ length, calls: kernelCalls(length) }));
const heads = LENGTHS.map((length) => length.toLocaleString("en").padStart(12));
process.stdout.write(`${"ns per element, length".padEnd(26)}${heads.join("")}\n`);
for (const name of tables[0]!.calls.keys()) {
  if (wanted.length > 0 && !wanted.some((part) => name.startsWith(part))) continue;
  const cells = tables.map(({ length, calls }) => measure(calls.get(name)!, length).toFixed(2));
  process.stdout.write(`${name.padEnd(26)}${cells.map((cell) => cell.padStart(12)).join("")}\n`);
}
