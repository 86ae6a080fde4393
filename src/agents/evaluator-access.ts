// How a program reaches the evaluators of a market, and its dealer, from Node: one transport for each, over HTTPS.

import { httpsTransport } from "../channel/https-transport.ts";
import { DealerApi } from "../client/dealer-api.ts";
import { EvaluatorApi } from "../client/evaluator-api.ts";
import type { Party } from "../crypto/party.ts";
import type { MarketDocument } from "../market/market-document.ts";

export interface EvaluatorAccess {
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  /** Null in a market without one. */
  readonly dealer: DealerApi | null;
  /** Ends the connections. */
  close(): void;
}

/** `connections` is how many each evaluator may have at a time; several parties of one process may share them. */
export function evaluatorAccess(market: MarketDocument, connections?: number): EvaluatorAccess {
  const transportTo = (server: Party) =>
    httpsTransport({
      authorityPem: market.authorityPem,
      server,
      ...(connections === undefined ? {} : { connections }),
    });
  const transports = market.evaluators.map((_, i) =>
    transportTo({ role: "evaluator", id: String(i) }),
  );
  const dealerTransport = market.dealer === null ? null : transportTo({ role: "dealer", id: "0" });
  const apis = market.evaluators.map(({ url }, evaluator) => {
    const { send } = transports[evaluator]!;
    return new EvaluatorApi({ evaluator, url, send });
  });
  return {
    apis,
    dealer:
      market.dealer === null
        ? null
        : new DealerApi({ url: market.dealer.url, send: dealerTransport!.send }),
    close: () => {
      for (const transport of [...transports, dealerTransport]) transport?.close();
    },
  };
}
