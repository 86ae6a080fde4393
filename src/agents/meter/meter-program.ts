// A meter put together from its files: its identity, its history, and its way to the evaluators.
import { MeterClient } from "../../client/meter-client.ts";
import { CertificateError, supplierOf } from "../../crypto/certificates.ts";
import { readIdentity } from "../../crypto/identity-files.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { signerOf } from "../../crypto/signing-key.ts";
import { Field } from "../../field/field.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { type EvaluatorAccess, evaluatorAccess } from "../evaluator-access.ts";
import { readMarketDocument } from "../market-file.ts";
import { MeterHistory } from "./history.ts";
import { Meter, type MeterEvent } from "./meter.ts";
import { configuredReadings, configuredSource, readMeterConfig } from "./meter-config.ts";
import type { OrderSource } from "./order-sources.ts";
import type { ReadingSource } from "./reading-sources.ts";

export interface MeterPlace {
  readonly market: MarketDocument;
  /** The folder with the meter's key and certificate. */
  readonly identity: string;
  /** The file of its history. */
  readonly history: string;
  readonly source: OrderSource;
  readonly readings?: ReadingSource | undefined;
  readonly leadPeriods?: number;
  readonly to?: number | undefined;
  /** Whether the history survives the end of the machine; unless told otherwise it does. */
  readonly durable?: boolean;
  /** What several meters of one process share. */
  readonly access?: EvaluatorAccess;
  readonly field?: Field;
}

export interface OpenedMeter {
  readonly meterId: string;
  /** Index of its supplier. */
  readonly supplier: number;
  readonly market: MarketDocument;
  readonly meter: Meter;
  readonly history: MeterHistory;
  close(): void;
}

/** Opens a meter. Throws CertificateError when the identity is not that of a meter, HistoryError. */
export async function openMeterAt(
  place: MeterPlace,
  onEvent: (event: MeterEvent) => void,
): Promise<OpenedMeter> {
  const { market, source, leadPeriods, durable } = place;
  const { meterId, supplier, signer } = await meterIdentity(place.identity);
  const owner = { market: market.id, meter: meterId };
  const history = MeterHistory.open(place.history, owner, durable === undefined ? {} : { durable });
  const access = place.access ?? evaluatorAccess(market);
  const primitives = nodePrimitives;
  const tools = { field: place.field ?? new Field(), primitives };
  const client = new MeterClient({
    market,
    apis: access.apis,
    dealer: access.dealer,
    signer,
    meter: meterId,
    supplier,
    tools,
  });
  const lead = leadPeriods === undefined ? {} : { leadPeriods };
  const { readings, to } = place;
  const meter = new Meter({
    market,
    client,
    history,
    source,
    readings,
    supplier,
    primitives,
    to,
    onEvent,
    ...lead,
  });
  const close = () => {
    history.close();
    if (place.access === undefined) access.close();
  };
  return { meterId, supplier, market, meter, history, close };
}

async function meterIdentity(folder: string) {
  const identity = await readIdentity(folder);
  const supplier = supplierOf(identity.certificatePem);
  if (identity.party.role !== "meter" || supplier === null) {
    throw new CertificateError(`the certificate in ${folder} is not that of a meter`);
  }
  return { meterId: identity.party.id, supplier, signer: signerOf(identity) };
}

/** Opens the meter of a configuration file. Errors are for people to read. */
export async function openMeter(
  configFile: string,
  onEvent: (event: MeterEvent) => void,
): Promise<OpenedMeter> {
  const config = await readMeterConfig(configFile);
  const { identity, history, lead_periods: leadPeriods } = config;
  const market = await readMarketDocument(config.market);
  const source = await configuredSource(config.orders, market);
  const readings = configuredReadings(config.readings, market);
  return openMeterAt({ identity, history, market, source, readings, leadPeriods }, onEvent);
}

/** Opens only the history of a meter. */
export async function openMeterHistory(
  configFile: string,
): Promise<{ readonly history: MeterHistory; readonly market: MarketDocument }> {
  const config = await readMeterConfig(configFile);
  const market = await readMarketDocument(config.market);
  const { meterId } = await meterIdentity(config.identity);
  const history = MeterHistory.open(config.history, { market: market.id, meter: meterId });
  return { history, market };
}
