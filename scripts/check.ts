// Everything `npm test` does, in order, each step on its own line; stops at the first that fails.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

const args = process.argv.slice(2);
const noTests = args.includes("--no-tests");
const testArgs = args.filter((arg) => arg !== "--no-tests");

const steps: [string, string, string[]][] = [
  ["format and lint", bin("biome"), ["ci", "--error-on-warnings", "."]],
  ["types", bin("tsc"), ["-p", "."]],
  ["types of the pages", bin("tsc"), ["-p", "web"]],
  ["unused code", bin("knip"), []],
];
if (!noTests) steps.push(["tests", bin("vitest"), ["run", ...testArgs]]);

// The Node.js that runs this file runs every step, also where the host's own is older.
const path = `${join(process.execPath, "..")}:${process.env.PATH ?? ""}`;
for (const [name, command, commandArgs] of steps) {
  process.stdout.write(`\n== ${name}\n`);
  const env = { ...process.env, PATH: path };
  const { status } = spawnSync(command, commandArgs, { cwd: root, stdio: "inherit", env });
  if (status !== 0) {
    process.stderr.write(`\nFAILED: ${name}\n`);
    process.exit(status ?? 1);
  }
}
