// The client library as the pages use it: loaded once, beside the first paint.
import { EvaluatorApi } from "../../../src/client/evaluator-api.ts";
import { fetchTransport } from "../../../src/client/fetch-transport.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";

export { EnrolmentError, enrolByCode } from "../../../src/client/enrol-by-code.ts";
export { fetchTransport } from "../../../src/client/fetch-transport.ts";
export { MeterClient } from "../../../src/client/meter-client.ts";
export { SupplierClient } from "../../../src/client/supplier-client.ts";
export { webPrimitives } from "../../../src/client/web-primitives.ts";
export { Field } from "../../../src/field/field.ts";
export { parseMarketDocument } from "../../../src/market/market-document.ts";
export { createDeviceKey, requestFor } from "../household/device-key.ts";
export { certificateFacts } from "./certificate-facts.ts";

/** One per evaluator, at its address for browsers; null where one has none. */
export function browserApis({ evaluators }: MarketDocument): EvaluatorApi[] | null {
  const send = fetchTransport();
  const apis = evaluators.flatMap(({ web }, evaluator) =>
    web === undefined ? [] : new EvaluatorApi({ evaluator, url: web, send }),
  );
  return apis.length === evaluators.length ? apis : null;
}
