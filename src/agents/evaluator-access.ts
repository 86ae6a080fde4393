// How a program reaches the evaluators of a market from Node: one transport for each, over HTTPS.

import { httpsTransport } from "../channel/https-transport.ts";
import { EvaluatorApi } from "../client/evaluator-api.ts";
import type { MarketDocument } from "../market/market-document.ts";

export interface EvaluatorAccess {
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  /** Ends the connections. */
  close(): void;
}

/** `connections` is how many each evaluator may have at a time; several parties of one process may share them. */
export function evaluatorAccess(market: MarketDocument, connections?: number): EvaluatorAccess {
  const transports = market.evaluators.map((_, i) =>
    httpsTransport({
      authorityPem: market.authorityPem,
      server: { role: "evaluator", id: String(i) },
      ...(connections === undefined ? {} : { connections }),
    }),
  );
  const apis = market.evaluators.map(({ url }, evaluator) => {
    const { send } = transports[evaluator]!;
    return new EvaluatorApi({ evaluator, url, send });
  });
  return {
    apis,
    close: () => {
      for (const transport of transports) transport.close();
    },
  };
}
