// The operator's program: asks all evaluators for the public record.
import { type MarketStatus, OperatorClient } from "../../client/operator-client.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { evaluatorAccess } from "../evaluator-access.ts";

/** The record of the periods that begin from `from` on and before `to`, in seconds since 1970 UTC. */
export async function operatorStatus(
  market: MarketDocument,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<MarketStatus> {
  const { apis, close } = evaluatorAccess(market);
  try {
    return await new OperatorClient({ market, apis }).status(from, to, { signal });
  } finally {
    close();
  }
}
