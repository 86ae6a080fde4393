// The market of a rehearsed month on this machine: registrar's files, evaluators as processes, and a client for every
// household and supplier in this process, which share their connections.

import { httpsTransport } from "../../channel/https-transport.ts";
import { DealerApi } from "../../client/dealer-api.ts";
import { EvaluatorApi } from "../../client/evaluator-api.ts";
import type { CallOptions } from "../../client/evaluator-http.ts";
import { MeterClient } from "../../client/meter-client.ts";
import { SupplierClient } from "../../client/supplier-client.ts";
import { Trust } from "../../client/trust.ts";
import { readIdentity } from "../../crypto/identity-files.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import type { Party } from "../../crypto/party.ts";
import { signerOf } from "../../crypto/signing-key.ts";
import { Field } from "../../field/field.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import type { PeriodRecord } from "../../wire/records.ts";
import type { MonthRecord } from "../../wire/settlement-records.ts";
import { LocalService } from "../local-service.ts";

/** Files of a market, as the registrar makes them. */
export interface MonthMarketFiles {
  readonly market: MarketDocument;
  readonly evaluators: readonly string[];
  readonly dealer: string | null;
  readonly suppliers: readonly string[];
  readonly meters: readonly { readonly id: string; readonly identity: string }[];
}

export interface MonthMarket {
  readonly market: MarketDocument;
  readonly apis: readonly EvaluatorApi[];
  readonly trust: Trust;
  readonly field: Field;
  readonly meterIds: readonly string[];
  readonly meters: readonly MeterClient[];
  readonly suppliers: readonly SupplierClient[];
  readonly service: LocalService;
  stop(): Promise<void>;
}

const CONNECTIONS = 24;
/** Decided records that are kept: households ask for the same few. */
const KEPT_RECORDS = 64;

/** Asks once for the record of a decided period or a closed month, whoever wants it: it never changes. */
class RememberingApi extends EvaluatorApi {
  readonly #records = new Map<number, PeriodRecord>();
  #closed: MonthRecord | null = null;

  override async month(month: string, options: CallOptions = {}): Promise<MonthRecord> {
    if (this.#closed?.month === month) return this.#closed;
    const record = await super.month(month, options);
    if (record.closing !== null) this.#closed = record;
    return record;
  }

  override async period(start: number, options: CallOptions = {}): Promise<PeriodRecord> {
    const known = this.#records.get(start);
    if (known !== undefined) return known;
    const record = await super.period(start, options);
    if (record.decision === null) return record;
    this.#records.set(start, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > KEPT_RECORDS) this.#records.delete(oldest!);
    return record;
  }
}

/** Starts the evaluators, and the dealer if there is one, and makes the clients. */
export async function startMonthMarket(
  files: MonthMarketFiles,
  supplierOf: readonly number[],
): Promise<MonthMarket> {
  const { market } = files;
  const evaluators = files.evaluators.map((config, number) => ({ number, config }));
  const { authorityPem } = market;
  const { dealer: config } = files;
  const service = await LocalService.start({ market, registrar: null, dealer: config, evaluators });
  const transportTo = (server: Party) =>
    httpsTransport({ authorityPem, server, connections: CONNECTIONS });
  const transports = market.evaluators.map((_, i) =>
    transportTo({ role: "evaluator", id: String(i) }),
  );
  const toDealer = market.dealer === null ? null : transportTo({ role: "dealer", id: "0" });
  const dealer =
    market.dealer === null ? null : new DealerApi({ url: market.dealer.url, send: toDealer!.send });
  const apis = market.evaluators.map(
    ({ url }, evaluator) =>
      new RememberingApi({ evaluator, url, send: transports[evaluator]!.send }),
  );
  const trust = new Trust(market.authorityPem);
  const tools = { field: new Field(), primitives: nodePrimitives };
  const common = { market, apis, dealer, tools, trust };
  const meters = await Promise.all(
    files.meters.map(async ({ id, identity }, i) => {
      const signer = signerOf(await readIdentity(identity));
      return new MeterClient({ ...common, signer, meter: id, supplier: supplierOf[i]! });
    }),
  );
  const suppliers = await Promise.all(
    files.suppliers.map(async (identity, supplier) => {
      const signer = signerOf(await readIdentity(identity));
      return new SupplierClient({ ...common, signer, supplier });
    }),
  );
  const meterIds = files.meters.map(({ id }) => id);
  const stop = async () => {
    for (const transport of [...transports, toDealer]) transport?.close();
    await service.stop();
  };
  return { market, apis, trust, field: tools.field, meterIds, meters, suppliers, service, stop };
}
