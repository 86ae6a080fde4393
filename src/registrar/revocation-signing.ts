// The list of revoked certificates in its file, which several processes may sign at once: it never goes back.
import { readFileSync } from "node:fs";
import type { Authority } from "../crypto/certificates.ts";
import { listNumberOf } from "../crypto/revocations.ts";
import { writeDurablyNow } from "../platform/durable-file.ts";
import type { Registry } from "./registry.ts";

const DAY_MS = 24 * 3600 * 1000;
/** How long a list of revoked certificates is valid: before that, the next one must reach everybody. */
const LIST_DAYS = 30;

/**
 * Signs the list of revoked certificates anew and replaces the file `path`, unless somebody else has put a newer one
 * there meanwhile; returns the number of the list that is there.
 */
export async function publishRevocations(
  registry: Registry,
  authority: Authority,
  path: string,
  thisUpdateMs: number,
): Promise<number> {
  // In one step: so a list with a higher number has everything that one with a lower number has.
  const list = registry.transaction(() => ({
    number: registry.nextListNumber(thisUpdateMs, listNumberIn(path)),
    revoked: registry.revoked(thisUpdateMs),
    thisUpdateMs,
    nextUpdateMs: thisUpdateMs + LIST_DAYS * DAY_MS,
  }));
  const text = await authority.signRevocations(list);
  // The registry's lock is that of the file, too.
  return registry.transaction(() => {
    const found = listNumberIn(path);
    if (found > list.number) return found;
    writeDurablyNow(path, text);
    return list.number;
  });
}

/** The number of the list in a file; 0 when there is none. */
function listNumberIn(path: string): number {
  try {
    return listNumberOf(readFileSync(path, "utf8"));
  } catch {
    return 0;
  }
}
