// Finds a Chromium for tests of the pages: the one of CHROMIUM, one on the path, or Debian's package, which is
// installed where we may do that.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** How tests start it: without a display, and without asking anything of the network by itself. */
export const CHROMIUM_ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of a Chromium. Throws an Error that says how to get one. */
export function chromiumPath(): string {
  const given = process.env.CHROMIUM;
  if (given !== undefined) {
    if (isProgram(given)) return given;
    throw new Error(`CHROMIUM is ${given}, and there is no such program`);
  }
  const found = onPath();
  if (found !== null) return found;
  if (mayInstall()) install();
  const installed = onPath();
  if (installed !== null) return installed;
  throw new Error(
    "there is no Chromium to test the pages in: install it (Debian: apt-get install chromium), or say where it is with CHROMIUM=/path/to/it",
  );
}

function onPath(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return places.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const APT_GET = "/usr/bin/apt-get";

const mayInstall = (): boolean => process.getuid?.() === 0 && existsSync(APT_GET);

/** Two test files may come here at once: the second waits for the first, and finds everything installed. */
function install(): void {
  process.stderr.write("installing Chromium to test the pages in (first run only) ...\n");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const command = `${APT_GET} update && ${APT_GET} install -y --no-install-recommends chromium`;
  // The lock is on the program itself: nothing is left behind.
  spawnSync("flock", [APT_GET, "sh", "-c", command], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
}
