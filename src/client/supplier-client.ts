// What a supplier learns: what its customers bought and sold on the market together, what they metered together, and
// what each of them owes for a month; put together from the evaluators' shares and verified as a meter's result is.
import type { MarketDocument } from "../market/market-document.ts";
import { systemClock } from "../platform/clock.ts";
import type { Signer } from "../wire/http-signature.ts";
import type { AggregateShare } from "../wire/records.ts";
import { type Check, evaluatorNames } from "./checks.ts";
import type { ClientTools } from "./client-tools.ts";
import type { DealerApi } from "./dealer-api.ts";
import { commonDecision, hearPeriod } from "./decisions.ts";
import type { CallOptions, EvaluatorApi } from "./evaluator-api.ts";
import {
  type Fetching,
  fetchShares,
  masksFrom,
  putTogether,
  WrongSharesError,
} from "./result-shares.ts";
import { commonClosing } from "./settlements.ts";
import {
  type SupplierMetered,
  type SupplierMonth,
  supplierMetered,
  supplierMonth,
} from "./supplier-settlement.ts";
import { Trust } from "./trust.ts";

export interface SupplierClientOptions {
  readonly market: MarketDocument;
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  /** In a market with a dealer. */
  readonly dealer?: DealerApi | null;
  readonly signer: Signer;
  /** Index in the market's list of suppliers. */
  readonly supplier: number;
  readonly tools: ClientTools;
  /** What several clients of one process share: what one has verified, the others need not. */
  readonly trust?: Trust;
}

/** "withheld": too few of the supplier's customers sent an order for their sums to be told. */
export type SupplierAggregate =
  | { readonly state: "pending" | "void" | "withheld"; readonly checks: readonly Check[] }
  | {
      readonly state: "ok";
      /** Energies in units of 2^-10 Wh. */
      readonly boughtUnits: number;
      readonly soldUnits: number;
      readonly checks: readonly Check[];
    };

export class SupplierClient {
  readonly #options: SupplierClientOptions;
  readonly #trust: Trust;

  constructor(options: SupplierClientOptions) {
    this.#options = options;
    this.#trust =
      options.trust ?? new Trust(options.market.authorityPem, options.tools.clock ?? systemClock);
  }

  /** The sums of a period. Errors as MeterClient.outcome. */
  async aggregate(periodStart: number, { signal }: CallOptions = {}): Promise<SupplierAggregate> {
    const { market, apis, signer, supplier, tools, dealer } = this.#options;
    const heard = await hearPeriod(apis, periodStart, { signal });
    const decided = await commonDecision(market, this.#trust, periodStart, heard);
    if (decided === null) return { state: "pending", checks: [] };
    const { decision, signatures, checks } = decided;
    if (decision.outcome === "void") return { state: "void", checks };
    if (decision.revealedSuppliers[supplier] !== true) return { state: "withheld", checks };
    const fetching: Fetching<AggregateShare> = {
      fetch: (api) => api.aggregate(signer, periodStart, { signal }),
      problemOf: (answer) => {
        if (answer.attempt !== decision.attempt) return "a share of another attempt";
        return answer.supplier === supplier ? null : "a share of another supplier's sums";
      },
      signal,
    };
    const fetched = await fetchShares({ tools, market, apis }, decision.active, fetching);
    const signed = { decision, signatures };
    const seed = await dealer?.resultMask(signer, { of: "aggregate", signed }, { signal });
    const [mask] = masksFrom(tools, seed, [2]);
    const [boughtUnits, soldUnits] = await putTogether(tools, market, fetched.held, 2, mask);
    const names = evaluatorNames(fetched.held.map(({ evaluator }) => evaluator));
    if (!decision.traded && (boughtUnits !== 0 || soldUnits !== 0)) {
      throw new WrongSharesError(`${names} sent energies for a period in which nothing is traded`);
    }
    const detail = [`${names} sent shares that fit together`, ...fetched.problems].join("; ");
    const shares = { name: "shares", ok: fetched.problems.length === 0, detail };
    return {
      state: "ok",
      boughtUnits: boughtUnits!,
      soldUnits: soldUnits!,
      checks: [...checks, shares],
    };
  }

  /**
   * What its customers metered together in a period, and its position, by the period's last settlement. Errors as
   * MeterClient.outcome.
   */
  metered(periodStart: number, { signal }: CallOptions = {}): Promise<SupplierMetered> {
    return supplierMetered({ ...this.#options, trust: this.#trust, signal }, periodStart);
  }

  /** Whether a majority has signed that a month is closed. Errors as MeterClient.outcome. */
  async isClosed(month: string, options: CallOptions = {}): Promise<boolean> {
    return (await commonClosing({ ...this.#options, trust: this.#trust }, month, options)) !== null;
  }

  /** What its customers owe for a month, such as 2025-06, and its position. Errors as MeterClient.outcome. */
  month(month: string, { signal }: CallOptions = {}): Promise<SupplierMonth> {
    return supplierMonth({ ...this.#options, trust: this.#trust, signal }, month);
  }
}
