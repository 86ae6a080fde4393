// Which of a meter's readings counted in the last settlement of a period, proven against the set that evaluators
// signed.
import { messageOf } from "../platform/errors.ts";
import { orderLeaf, verifyInclusion } from "../wire/merkle.ts";
import type { Settlement } from "../wire/settlement-records.ts";
import type { Check } from "./checks.ts";
import type { ClientTools } from "./client-tools.ts";
import { ApiError } from "./evaluator-api.ts";
import { commonSettlement, type StatementContext } from "./settlements.ts";
import { UnavailableError } from "./statements.ts";

/** "missing": none is in the set. "rejected": one is, but it failed the evaluators' check. Both are estimated. */
export interface CountedReading {
  readonly state: "pending" | "counted" | "missing" | "rejected";
  /** The reading that is in the set. */
  readonly readingId: string | null;
  /** 1 when readings came or were corrected after the first settlement. */
  readonly revision: number | null;
  readonly checks: readonly Check[];
}

export interface CountingContext extends StatementContext {
  readonly meter: string;
  readonly tools: ClientTools;
  readonly signal?: AbortSignal | undefined;
}

/** For the errors see MeterClient.outcome. */
export async function countedReading(
  context: CountingContext,
  periodStart: number,
): Promise<CountedReading> {
  const settled = await commonSettlement(context, periodStart, { signal: context.signal });
  if (settled === null) return { state: "pending", readingId: null, revision: null, checks: [] };
  const { settlement, checks } = settled;
  const { revision } = settlement;
  const found = await provenReading(context, periodStart, settlement);
  if (found === null) {
    const detail = "no reading of this meter is in the set that counted";
    const missing = { name: "reading", ok: false, detail };
    return { state: "missing", readingId: null, revision, checks: [...checks, missing] };
  }
  const { reading: readingId, position } = found;
  const ok = !settlement.rejected.includes(position);
  const place = `reading ${position + 1} of ${settlement.readings.count}`;
  const detail = ok
    ? `proven to be ${place} in the set that counted`
    : "the evaluators found the reading wrong and estimated instead";
  const state = ok ? "counted" : "rejected";
  return { state, readingId, revision, checks: [...checks, { name: "reading", ok, detail }] };
}

async function provenReading(
  { apis, meter, tools, signal }: CountingContext,
  periodStart: number,
  { readings, revision }: Settlement,
) {
  const problems: string[] = [];
  let denied = false;
  for (const api of apis) {
    try {
      const found = await api.readingInclusion(periodStart, meter, { signal });
      const leaf = orderLeaf(meter, found.reading);
      const { position, path } = found;
      const { count, root } = readings;
      const holds = verifyInclusion(tools.primitives, leaf, position, count, path, root);
      if (holds && found.revision === revision) return found;
      problems.push(`evaluator ${api.evaluator} sent a proof that does not hold`);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ApiError && error.code === "no-reading") denied = true;
      else problems.push(messageOf(error));
    }
  }
  if (denied) return null;
  throw new UnavailableError(`no proof that the reading counted: ${problems.join("; ")}`);
}
