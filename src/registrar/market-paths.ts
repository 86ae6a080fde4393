// Where everything is in the folder of a market, as initMarket makes it.
import { join } from "node:path";

export interface MarketPaths {
  /** The market document, for everybody. */
  readonly market: string;
  /** The list of revoked certificates, for evaluators. */
  readonly revocations: string;
  /** The configuration of the registrar's service. */
  readonly service: string;
  /** What only the registrar may read: the authority's key, the registry, the service's own key. */
  readonly registrar: string;
  readonly registry: string;
  readonly identity: string;
  /** The configuration of the dealer, in a market that has one. */
  readonly dealer: string;
  /** The configuration of an evaluator, by number. */
  readonly evaluator: (index: number) => string;
}

export function marketPaths(folder: string): MarketPaths {
  const registrar = join(folder, "registrar");
  return {
    market: join(folder, "market.json"),
    revocations: join(folder, "revocations.pem"),
    service: join(folder, "registrar.json"),
    registrar,
    registry: join(registrar, "registry.db"),
    identity: join(registrar, "identity"),
    dealer: join(folder, "dealer.json"),
    evaluator: (index) => join(folder, `evaluator-${index}.json`),
  };
}
