// The last good list of revoked certificates on disk: an evaluator that starts while the registrar cannot be reached
// starts with it, and none ever goes back to a list with a lower number, not even after a restart.
import { readFile } from "node:fs/promises";
import { readRevocations } from "../crypto/revocations.ts";
import { writeDurably } from "../platform/durable-file.ts";
import { messageOf } from "../platform/errors.ts";

/** Beside an evaluator's key. */
export const KEPT_REVOCATIONS_FILE = "revocations-kept.pem";

export interface KeptRevocations {
  readonly file: string;
  /** The list as it was kept; null if none was. Rejects, naming the file, when it cannot be read or is not whole. */
  read(): Promise<string | null>;
  /** Keeps a list that has been verified, unless one with a higher number is kept: by another process, say. */
  keep(text: string, number: number): Promise<void>;
}

export function keptRevocations(file: string, authorityPem: string): KeptRevocations {
  const read = async () => {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return null;
      throw new Error(`cannot read the kept list of revoked certificates ${file} (${code})`);
    }
    try {
      const { number } = await readRevocations(text, authorityPem);
      return { text, number };
    } catch (error) {
      throw new Error(`${file}: ${messageOf(error)}`);
    }
  };
  return {
    file,
    async read() {
      return (await read())?.text ?? null;
    },
    async keep(text, number) {
      // What cannot be read is worth nothing: replaced.
      const kept = await read().catch(() => null);
      if (kept !== null && kept.number > number) return;
      await writeDurably(file, text);
    },
  };
}
