// The files of the built pages, held in memory with their compressed copies, and how each is to be answered.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
const ENCODINGS = [
  { coding: "br", suffix: ".br" },
  { coding: "gzip", suffix: ".gz" },
] as const;

export interface PageFile {
  readonly type: string;
  readonly etag: string;
  /** Whether its name changes with its content, so that browsers need not ask again. */
  readonly immutable: boolean;
  readonly plain: Buffer;
  /** Best first. */
  readonly encoded: readonly { readonly coding: string; readonly bytes: Buffer }[];
}

/** By path as it is asked for: "/index.html", "/assets/...". */
export type PageFiles = ReadonlyMap<string, PageFile>;

export async function readPageFiles(folder: string): Promise<PageFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const known = new Set(paths);
  const files = new Map<string, PageFile>();
  for (const path of paths) {
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const plain = await readFile(path);
    const encoded = ENCODINGS.filter(({ suffix }) => known.has(path + suffix));
    const name = `/${relative(folder, path).replaceAll("\\", "/")}`;
    files.set(name, {
      type,
      etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
      immutable: name.startsWith("/assets/"),
      plain,
      encoded: await Promise.all(
        encoded.map(async ({ coding, suffix }) => {
          return { coding, bytes: await readFile(path + suffix) };
        }),
      ),
    });
  }
  return files;
}
