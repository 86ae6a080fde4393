// The committed kernels are what their source compiles to, byte for byte.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildKernels } from "../../scripts/build-kernels.ts";
import { instantiateKernels } from "./kernels.generated.ts";

it("a rebuild of kernels/ gives the committed file (if not: npm run kernels)", async () => {
  const committed = await readFile(join(import.meta.dirname, "kernels.generated.ts"), "utf8");
  expect((await buildKernels()) === committed).toBe(true);
});

it("the kernels leave a fresh memory as it is", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  instantiateKernels(memory);
  expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
});
