// Everything that an evaluator counts and measures, for Prometheus, and what of it is logged. No label holds the id of
// a meter, and nothing depends on what is in orders.
import type { Logger } from "pino";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type Decision, periodOfText } from "../wire/records.ts";
import type { LeadershipEvents } from "./leadership.ts";
import type { PeriodEvents, SettlementEvents } from "./periods/context.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CLEARING_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

export class EvaluatorMetrics {
  readonly periods: PeriodEvents;
  readonly settlements: SettlementEvents;
  readonly leadership: LeadershipEvents;
  readonly registry = new Registry();

  readonly orders = this.#counter("hushwatt_orders_total", "Orders received, by answer", [
    "result",
  ]);
  readonly orderBatches = this.#histogram(
    "hushwatt_order_batch_size",
    "Orders stored in one transaction",
    SIZES,
  );
  readonly readings = this.#counter("hushwatt_readings_total", "Readings received, by answer", [
    "result",
  ]);
  readonly readingBatches = this.#histogram(
    "hushwatt_reading_batch_size",
    "Readings stored in one transaction",
    SIZES,
  );
  readonly requests = this.#counter("hushwatt_http_requests_total", "Requests answered", [
    "method",
    "route",
    "status",
  ]);
  readonly requestSeconds = new Histogram({
    name: "hushwatt_http_request_seconds",
    help: "From the headers of a request to the end of its answer",
    labelNames: ["route"],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly brokenRequests = this.#counter(
    "hushwatt_http_broken_requests_total",
    "Requests that were no HTTP, or did not arrive in time",
    ["problem"],
  );
  readonly requestsInFlight = this.#gauge(
    "hushwatt_http_requests_in_flight",
    "Requests being answered",
  );
  readonly storeErrors = this.#counter("hushwatt_store_errors_total", "Failed calls of the store", [
    "call",
  ]);
  readonly decisions = this.#counter("hushwatt_decisions_total", "Periods decided", ["outcome"]);
  readonly lastDecided = this.#gauge(
    "hushwatt_last_decided_period_seconds",
    "Start of the last period that was decided while this process ran, in seconds since 1970 UTC",
  );
  readonly clearingSeconds = new Histogram({
    name: "hushwatt_clearing_seconds",
    help: "Duration of clearings, by phase",
    labelNames: ["phase"],
    buckets: CLEARING_SECONDS,
    registers: [this.registry],
  });
  readonly clearingOrders = this.#gauge("hushwatt_clearing_orders", "Orders of the last clearing");
  readonly preparedOrders = this.#counter(
    "hushwatt_prepared_orders_total",
    "Orders checked and prepared for clearing while their gate was open",
    [],
  );
  readonly failures = this.#counter(
    "hushwatt_clearing_failures_total",
    "Attempts that failed; abort when somebody was found to lie",
    ["kind"],
  );
  readonly settlementsDecided = this.#counter(
    "hushwatt_settlements_total",
    "Settlements of periods decided: the first one, or the correction when the month is closed",
    ["revision"],
  );
  readonly lastSettled = this.#gauge(
    "hushwatt_last_settled_period_seconds",
    "Start of the last period that was settled while this process ran, in seconds since 1970 UTC",
  );
  readonly rejectedReadings = this.#counter(
    "hushwatt_rejected_readings_total",
    "Readings that failed a check, in settlements decided",
    [],
  );
  readonly estimatedReadings = this.#counter(
    "hushwatt_estimated_readings_total",
    "Meters of a period that were estimated, in settlements decided",
    [],
  );
  readonly readingCheckSeconds = new Histogram({
    name: "hushwatt_reading_check_seconds",
    help: "Duration of checking the readings of a period",
    buckets: CLEARING_SECONDS,
    registers: [this.registry],
  });
  readonly closedMonths = this.#counter("hushwatt_closed_months_total", "Months closed", []);
  readonly settlingFailures = this.#counter(
    "hushwatt_settling_failures_total",
    "Attempts at settling or closing that failed; abort when somebody was found to lie",
    ["kind"],
  );
  readonly linked = this.#gauge(
    "hushwatt_linked_evaluators",
    "Evaluators linked with each other, this one included; 0 where this process does not lead",
  );
  readonly leading = this.#gauge("hushwatt_leading", "1 where this process leads");

  /** What `GET /ready` tells of this process. */
  status: { leading: boolean; linked: readonly number[] } = { leading: false, linked: [] };

  constructor(log: Logger) {
    collectDefaultMetrics({ register: this.registry });
    this.periods = this.#periodEvents(log);
    this.settlements = this.#settlementEvents(log);
    this.leadership = {
      leading: (fence) => {
        this.status = { ...this.status, leading: true };
        this.leading.set(1);
        log.info({ fence }, "this process leads");
      },
      following: (reason) => {
        this.status = { leading: false, linked: [] };
        this.leading.set(0);
        this.linked.set(0);
        log.info({ reason }, "this process follows");
      },
      failed: (message) => {
        this.status = { leading: false, linked: [] };
        this.leading.set(0);
        this.linked.set(0);
        log.error(`this process cannot lead: ${message}`);
      },
    };
  }

  #periodEvents(log: Logger): PeriodEvents {
    return {
      linked: (members) => {
        this.status = { ...this.status, linked: [...members] };
        this.linked.set(members.length);
        log.info({ members }, "linked with evaluators");
      },
      unlinked: (reason) => {
        this.status = { ...this.status, linked: [] };
        this.linked.set(this.status.leading ? 1 : 0);
        log.info({ reason }, "links ended");
      },
      prepared: (period, orders, durationMs) => {
        this.preparedOrders.inc(orders);
        log.debug({ period, orders, durationMs }, "orders prepared");
      },
      preparingFailed: (period, message, lie) => {
        log.warn({ period, abort: lie }, `preparing orders failed: ${message}`);
      },
      clearing: (period, ballot, orders, active) => {
        this.clearingOrders.set(orders);
        log.info({ period, ballot, orders, active }, "clearing");
      },
      cleared: (period, timesMs) => {
        this.clearingSeconds.observe({ phase: "offline" }, timesMs.offline / 1000);
        this.clearingSeconds.observe({ phase: "online" }, timesMs.online / 1000);
        log.info({ period, timesMs }, "cleared");
      },
      decided: (decision) => {
        this.decisions.inc({ outcome: decision.outcome });
        this.lastDecided.set(periodOfText(decision.period));
        log[decision.outcome === "void" ? "warn" : "info"](publicPart(decision), "decided");
      },
      failed: (period, message, lie) => {
        this.failures.inc({ kind: lie ? "abort" : "failure" });
        log.error({ period, abort: lie }, `clearing failed: ${message}`);
      },
    };
  }

  #settlementEvents(log: Logger): SettlementEvents {
    return {
      settling: (period, revision, readings, active) => {
        log.info({ period, revision, readings, active }, "settling");
      },
      checkedReadings: (durationMs) => this.readingCheckSeconds.observe(durationMs / 1000),
      settled: ({ period, revision, attempt, readings, rejected, estimated }) => {
        this.settlementsDecided.inc({ revision: String(revision) });
        this.rejectedReadings.inc(rejected.length);
        this.estimatedReadings.inc(estimated);
        if (revision === 0) this.lastSettled.set(periodOfText(period));
        const counts = { readings: readings.count, rejected: rejected.length, estimated };
        log.info({ period, revision, attempt, ...counts }, "settled");
      },
      closed: ({ month, attempt, periods, meters }) => {
        this.closedMonths.inc();
        log.info({ month, attempt, periods, meters: meters.count }, "closed a month");
      },
      settlingFailed: (what, message, lie) => {
        this.settlingFailures.inc({ kind: lie ? "abort" : "failure" });
        log.error({ what, abort: lie }, `settling failed: ${message}`);
      },
    };
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }
}

/** What is worth a line: the list of rejected orders may be long. */
const publicPart = ({ period, outcome, reason, attempt, agreed, traded, rejected }: Decision) => ({
  period,
  outcome,
  reason,
  attempt,
  orders: agreed?.count ?? null,
  traded,
  rejected: rejected.length,
});
