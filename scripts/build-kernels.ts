// Compiles kernels/ to WebAssembly and writes src/field/kernels.generated.ts; with --check it only
// compares. The compiler's options stand in asconfig.json.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const root = join(import.meta.dirname, "..");
const target = join(root, "src", "field", "kernels.generated.ts");
const LINE_LENGTH = 96;

/**
 * The text of src/field/kernels.generated.ts, compiled anew. Throws with the compiler's messages.
 */
export async function buildKernels(): Promise<string> {
  const outputs = new Map<string, string | Uint8Array>();
  const args = ["--baseDir", root, "--config", join(root, "asconfig.json")];
  const { error, stderr } = await asc.main(
    [...args, "--outFile", "kernels.wasm", "--bindings", "raw"],
    { writeFile: (name, contents) => void outputs.set(name, contents) },
  );
  const wasm = outputs.get("kernels.wasm");
  const declarations = outputs.get("kernels.d.ts");
  if (error !== null || !(wasm instanceof Uint8Array) || typeof declarations !== "string") {
    throw new Error(`the kernels do not compile:\n${stderr.toString()}`);
  }
  return moduleText(wasm, declarations);
}

function moduleText(wasm: Uint8Array, declarations: string): string {
  const functions = [...declarations.matchAll(/export function (\w+\(.*\): \w+;)/g)];
  const base64 = Buffer.from(wasm).toString("base64");
  const lines = base64.match(new RegExp(`.{1,${LINE_LENGTH}}`, "g")) ?? [];
  return [
    "// The compiled kernels, as text so that browsers and Node.js load them alike.",
    "// Written by scripts/build-kernels.ts from kernels/; do not edit.",
    "",
    "/** The kernels of kernels/index.ts; all arguments are byte offsets or counts. */",
    "export interface Kernels {",
    ...functions.map(([, signature]) => `  ${signature}`),
    "}",
    "",
    "const base64 = [",
    ...lines.map((line) => `  "${line}",`),
    '].join("");',
    "",
    "let compiled: WebAssembly.Module | undefined;",
    "",
    "/** The kernels at work on `memory`, whose bytes 0 to 1023 are their scratch space. */",
    "export function instantiateKernels(memory: WebAssembly.Memory): Kernels {",
    "  compiled ??= new WebAssembly.Module(",
    "    Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),",
    "  );",
    "  const instance = new WebAssembly.Instance(compiled, { env: { memory } });",
    "  return instance.exports as unknown as Kernels;",
    "}",
    "",
  ].join("\n");
}

async function main(args: string[]): Promise<void> {
  const text = await buildKernels();
  if (!args.includes("--check")) {
    await writeFile(target, text);
    return;
  }
  const committed = await readFile(target, "utf8").catch(() => "");
  if (committed === text) return;
  process.stderr.write("src/field/kernels.generated.ts is out of date: run npm run kernels\n");
  process.exitCode = 1;
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
