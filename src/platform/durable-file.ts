// Small files that are there whole or not at all, also after a crash of the machine.
import { randomUUID } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface DurableOptions {
  readonly mode?: number;
  /** Never in place of a file that is there: rejects with EEXIST. */
  readonly exclusive?: boolean;
}

const DEFAULT_MODE = 0o644;

/** Whoever writes at the same time, in this process or another, on this machine or in a container, has another one. */
const nextTo = (path: string): string => `${path}.${randomUUID()}.new`;

/** Replaces `path` by `text` in one step; durable when it resolves. */
export async function writeDurably(
  path: string,
  text: string,
  { mode = DEFAULT_MODE, exclusive = false }: DurableOptions = {},
): Promise<void> {
  const next = nextTo(path);
  try {
    const file = await open(next, "wx", mode);
    try {
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link is not made over a file, as a new name would be.
    if (exclusive) await link(next, path);
    else await rename(next, path);
  } finally {
    await rm(next, { force: true });
  }
  await syncFolder(dirname(path));
}

/** The same without giving way to anything else, for those who hold a lock meanwhile. */
export function writeDurablyNow(path: string, text: string, mode = DEFAULT_MODE): void {
  const next = nextTo(path);
  try {
    const file = openSync(next, "wx", mode);
    try {
      fchmodSync(file, mode);
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
  } finally {
    rmSync(next, { force: true });
  }
  if (process.platform === "win32") return;
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** What was made or renamed in a folder is durable from then on. */
async function syncFolder(path: string): Promise<void> {
  // Windows knows no such thing.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
