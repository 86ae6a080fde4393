// The evaluator's HTTPS service: the routes of endpoints.ts, for everybody who knows the market's authority and,
// where it
// is configured, for browsers.
import { signerOf } from "../../crypto/signing-key.ts";
import { LIMITS } from "../../platform/limits.ts";
import type { WebListener } from "../../platform/web-listener.ts";
import { type HttpsApp, httpsApp } from "../../service/https-app.ts";
import type { RequestEvents } from "../../service/requests.ts";
import type { EvaluatorStore } from "../../storage/evaluator-store.ts";
import { ORDER_MEDIA_TYPE, READING_MEDIA_TYPE } from "../../wire/order-body.ts";
import type { EvaluatorMetrics } from "../metrics.ts";
import type { HttpContext, HttpLimits } from "./context.ts";
import { ENDPOINTS, type EndpointName } from "./endpoints.ts";
import { routesOf } from "./routes.ts";

export interface HttpServiceOptions extends Omit<HttpContext, "limits"> {
  readonly limits?: Partial<HttpLimits>;
  /** Where browsers are served, too. */
  readonly web?: WebListener;
}

export type HttpService = HttpsApp;

export function createHttpService(options: HttpServiceOptions): Promise<HttpService> {
  const limits = { ...LIMITS, ...options.limits };
  const store = counted(options.store, options.metrics);
  const context: HttpContext = { ...options, limits, store };
  const { handlers, bodyBytes, drained } = routesOf(context, signerOf(options.identity));
  const names = Object.keys(ENDPOINTS) as EndpointName[];
  return httpsApp({
    ...context,
    events: requestEvents(context.metrics),
    routes: names.map((name) => ({ ...handlers[name], ...ENDPOINTS[name] })),
    mediaTypes: [ORDER_MEDIA_TYPE, READING_MEDIA_TYPE],
    bodyBytes,
    drained,
    ...(options.web === undefined ? {} : { web: options.web }),
  });
}

const requestEvents = (metrics: EvaluatorMetrics): RequestEvents => ({
  inFlight: (count) => metrics.requestsInFlight.set(count),
  broken: (problem) => metrics.brokenRequests.inc({ problem }),
  answered({ method, route, status, seconds, outcome }) {
    metrics.requests.inc({ method, route, status });
    metrics.requestSeconds.observe({ route }, seconds);
    if (method !== "PUT" || outcome === null) return;
    if (route.endsWith("/order")) metrics.orders.inc({ result: outcome });
    if (route.endsWith("/reading")) metrics.readings.inc({ result: outcome });
  },
});

/** The store, of which failures are counted by call. */
function counted(store: EvaluatorStore, metrics: HttpContext["metrics"]): EvaluatorStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...values: unknown[]) => {
        try {
          return await member.apply(target, values);
        } catch (error) {
          metrics.storeErrors.inc({ call: String(name) });
          throw error;
        }
      };
    },
  });
}
