// The pages, built from web/ when they are needed: into a folder that is named after everything that they are made
// of, so that they are never older than their sources. With compressed copies of every file beside it.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const WEB = join(ROOT, "web");
const BUILT = join(WEB, "dist");
const SOURCES = ["web", "src", "package-lock.json"];
const DIGITS = 16;
/** Earlier builds are kept for a day: a process may still read them. */
const KEPT_MS = 24 * 3600 * 1000;
/** The files of the pages, for those that keep them for times without a connection. */
const LIST = "files.json";
const COMPRESSED = /\.(js|css|html|svg|webmanifest)$/;

/** The pages cannot be built; says why. */
export class PagesError extends Error {
  override readonly name = "PagesError";
}

/** The folder of the built pages, which are built first if they are not there as they should be now. */
export async function builtPages(nowMs: number): Promise<string> {
  const folder = join(BUILT, (await digestOfSources()).slice(0, DIGITS));
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  try {
    await mkdir(BUILT, { recursive: true });
    await removeOldBuilds(nowMs);
    await buildInto(draft);
    const files = await filesIn(draft);
    const assets = files.map((file) => `/${relative(draft, file).replaceAll("\\", "/")}`);
    const list = assets.filter((path) => path.startsWith("/assets/"));
    await writeFile(join(draft, LIST), JSON.stringify(list));
    await Promise.all(files.map(compress));
    await rename(draft, folder).catch((error: unknown) => {
      // Somebody else was faster.
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PagesError(`the pages cannot be built into ${BUILT}: ${why}`);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function buildInto(outDir: string): Promise<void> {
  const { build } = await import("vite");
  await build({
    configFile: join(WEB, "vite.config.ts"),
    root: WEB,
    logLevel: "error",
    build: { outDir, emptyOutDir: true },
  });
}

async function digestOfSources(): Promise<string> {
  const hash = createHash("sha256");
  const files = await Promise.all(
    SOURCES.map(async (name) => {
      const path = join(ROOT, name);
      return (await stat(path)).isDirectory() ? filesIn(path) : [path];
    }),
  );
  for (const file of files.flat()) {
    if (file.startsWith(BUILT) || /\.test(-helper)?\.tsx?$/.test(file)) continue;
    hash.update(`${relative(ROOT, file)}\n`).update(await readFile(file));
  }
  return hash.digest("hex");
}

/** All files under a folder, in a fixed order. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
}

async function compress(file: string): Promise<void> {
  if (!COMPRESSED.test(file)) return;
  const bytes = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const [small, usual] = await Promise.all([
    promisify(brotliCompress)(bytes, { params }),
    promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  await Promise.all([writeFile(`${file}.br`, small), writeFile(`${file}.gz`, usual)]);
}

async function removeOldBuilds(nowMs: number): Promise<void> {
  for (const name of await readdir(BUILT)) {
    const path = join(BUILT, name);
    const found = await stat(path).catch(() => null);
    if (found === null || nowMs - found.mtimeMs < KEPT_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
