// Makes a fresh checkout runnable: installs what package-lock.json names when it is not there yet, and
// finds a Node.js new enough to run TypeScript directly (one comes with the dependencies).
// Plain JavaScript for any Node.js from 18 on: this is the only code an old host runs.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const MIN_NODE = [22, 18];

const runsTypeScript = () => {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
};

const lockDigest = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(`${process.platform}-${process.arch}`)
    .digest("hex");

/** Installs the locked dependencies unless the last install was for this very lock file. */
export function ensureInstalled() {
  const stamp = join(root, "node_modules", ".hushwatt-installed");
  const digest = lockDigest();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  process.stderr.write("Hushwatt: installing dependencies (first run only) ...\n");
  // Not `npm ci`: it refuses a registry that lacks some other platform's optional binaries. Without saving,
  // `npm install` keeps to the lock file as well.
  const npm = spawnSync("npm", ["install", "--no-save", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    process.stderr.write("Hushwatt: `npm install` failed; its message is above.\n");
    process.exit(1);
  }
  writeFileSync(stamp, digest);
}

/** The Node.js that runs the project: this one if new enough, else the one in node_modules. */
export function findNode() {
  if (runsTypeScript()) return process.execPath;
  const name = process.platform === "win32" ? "node.exe" : "node";
  const packages = [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ];
  for (const pkg of packages) {
    const path = join(root, "node_modules", pkg, "bin", name);
    if (existsSync(path)) return path;
  }
  process.stderr.write(
    `Hushwatt needs Node.js ${MIN_NODE.join(".")} or newer; this is ${process.version} and no newer one ` +
      `could be installed for ${process.platform}-${process.arch}.\n`,
  );
  process.exit(1);
}

/** Runs a TypeScript program of the checkout in place of this process: same terminal, same exit code. */
export function runProgram(program, args) {
  ensureInstalled();
  const child = spawn(
    findNode(),
    ["--disable-warning=ExperimentalWarning", join(root, program), ...args],
    { stdio: "inherit" },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
