// A running market of real processes for tests of its pages: neighbours whose orders are known, the pages' server
// as a process, and codes for households.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type EvaluatorAccess, evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { ServiceProcess } from "../../src/agents/service-processes.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import type { ClearOrder, PreparedOrder } from "../../src/client/prepared-order.ts";
import type { Metered } from "../../src/client/prepared-reading.ts";
import { SupplierClient } from "../../src/client/supplier-client.ts";
import type { SupplierMonth } from "../../src/client/supplier-settlement.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { gateClosureOf, type MarketDocument } from "../../src/market/market-document.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { type MarketClock, marketClock } from "../../src/platform/market-clock.ts";
import type { NewMarket } from "../../src/registrar/init-market.ts";
import { type LocalMarketFiles, setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { Registrar } from "../../src/registrar/registrar.ts";
import type { CodeRole } from "../../src/registrar/registry.ts";
import { completeSetting } from "../../src/wire/setting.ts";

const PERIOD_S = 900;
/** A quarter-hour is 5 s. */
const SPEED = 180;
/** What the processes may take to start. */
const STARTING_MS = 8_000;
/** Noon in summer, so that a roof has something to sell, and far to the east the last hours of a month. */
const FIRST_PERIOD = "2026-06-30T10:30:00Z";
/** In a time zone in which that is 22:30. */
const TIME_ZONE = "Etc/GMT-12";
const SUPPLIERS = ["Aurora", "Borealis"];
const always = (ct: string) => [{ from: "00:00", ct_per_kwh: ct }];
const TARIFF = { retail: always("30"), feed_in: always("7") };
const SETTLEMENT = {
  time_zone: TIME_ZONE,
  tariffs: Object.fromEntries(SUPPLIERS.map((name) => [name, TARIFF])),
  grid_fee_ct_per_kwh: "9.5",
  local_discount_ct_per_kwh: "6",
  vat_percent: 19,
  settle_after_periods: 1,
  close_after_days: 0,
};

// What neighbours want in every period: 1,000 Wh at up to 24 ct and 600 Wh at up to 14; 400 Wh are offered from 9
// ct.
const NEIGHBOURS: readonly Neighbour[] = [
  { order: { side: "buy", energyWh: 1000, limitTick: 2400 }, supplier: 0 },
  { order: { side: "buy", energyWh: 600, limitTick: 1400 }, supplier: 1 },
  { order: { side: "sell", energyWh: 400, limitTick: 900 }, supplier: 0 },
];

interface Neighbour {
  readonly order: ClearOrder;
  readonly supplier: number;
  readonly metered?: Metered;
}

export interface PagesMarketOptions {
  readonly firstPeriod?: string;
  readonly speed?: number;
  readonly settlement?: NewMarket["settlement"];
  readonly neighbours?: readonly Neighbour[];
}

export class PagesMarket {
  readonly market: MarketDocument;
  readonly files: LocalMarketFiles;
  readonly service: LocalService;
  readonly time: MarketClock;
  /** Where the pages are, with a slash at the end. */
  readonly pages: string;
  readonly #folder: string;
  readonly #server: ServiceProcess;
  readonly #access: EvaluatorAccess;
  readonly #meters: readonly MeterClient[];
  readonly #neighbours: readonly Neighbour[];
  /** By neighbour and period. */
  readonly #orders = new Map<string, PreparedOrder>();

  private constructor(parts: {
    readonly files: LocalMarketFiles;
    readonly service: LocalService;
    readonly folder: string;
    readonly server: ServiceProcess;
    readonly pages: string;
    readonly access: EvaluatorAccess;
    readonly meters: readonly MeterClient[];
    readonly neighbours: readonly Neighbour[];
  }) {
    this.files = parts.files;
    this.market = parts.files.market;
    this.service = parts.service;
    this.time = marketClock(systemClock, this.market.rehearsal);
    this.pages = parts.pages;
    this.#folder = parts.folder;
    this.#server = parts.server;
    this.#access = parts.access;
    this.#meters = parts.meters;
    this.#neighbours = parts.neighbours;
  }

  static async start(options: PagesMarketOptions = {}): Promise<PagesMarket> {
    const { firstPeriod = FIRST_PERIOD, speed = SPEED, settlement = SETTLEMENT } = options;
    const neighbours = options.neighbours ?? NEIGHBOURS;
    const folder = mkdtempSync(join(tmpdir(), "pages-"));
    const realMs = Date.now() + STARTING_MS;
    // The gate of the first period closes two periods before it.
    const openingMs = Date.parse(firstPeriod) - 4 * PERIOD_S * 1000;
    const files = await setUpLocalMarket(join(folder, "market"), {
      id: "elm-street",
      parameters: { name: "Elm Street", suppliers: SUPPLIERS, minimum_group: 3 },
      setting: completeSetting({ engine: "replicated" }),
      schedule: { period_s: PERIOD_S, first_period: firstPeriod },
      settlement,
      rehearsal: { real: isoOf(realMs), market: isoOf(openingMs), speed },
      meters: neighbours.map(({ supplier }) => ({ supplier })),
      registrar: true,
      web: true,
      logLevel: "warn",
    });
    const { market } = files;
    const service = await LocalService.start({
      market,
      registrar: files.registrar,
      dealer: null,
      evaluators: files.evaluators.map((config, number) => ({ number, config })),
    });
    const server = new ServiceProcess({
      name: "the pages",
      arguments: ["operator", "serve", "--market", files.marketFile, "--port", "0"],
    });
    const { pages } = JSON.parse(await server.start()) as { readonly pages: string };
    const access = evaluatorAccess(market);
    const meters = await Promise.all(
      files.meters.map(async ({ id, identity }, i) => {
        const signer = signerOf(await readIdentity(identity));
        const tools = { field: new Field(), primitives: nodePrimitives };
        const { apis } = access;
        const { supplier } = neighbours[i]!;
        return new MeterClient({ market, apis, signer, meter: id, supplier, tools });
      }),
    );
    return new PagesMarket({ files, service, folder, server, pages, access, meters, neighbours });
  }

  /** A code for a household of the first supplier, or for a browser of that supplier. */
  async code(role: CodeRole = "meter"): Promise<string> {
    const registrar = await Registrar.open(dirname(this.files.marketFile));
    try {
      return registrar.createCodes(0, 1, 1, role)[0]!;
    } finally {
      registrar.close();
    }
  }

  /** The first period whose gate is open for so many milliseconds at least. */
  periodIn(leftMs: number): number {
    const { schedule, firstPeriod } = this.market;
    let start = Math.max(
      firstPeriod,
      Math.floor(this.time.nowS() / schedule.period_s) * schedule.period_s,
    );
    while (this.time.msUntil(gateClosureOf(this.market, start)) < leftMs) {
      start += schedule.period_s;
    }
    return start;
  }

  /** Has the neighbours order for a period. */
  async neighbourOrders(start: number): Promise<void> {
    await Promise.all(
      this.#meters.map(async (meter, i) => {
        const prepared = await meter.prepareOrder(start, this.#neighbours[i]!.order, 1);
        const answers = await meter.submit(prepared);
        const problem = answers.find((answer) => answer.problem !== null)?.problem;
        if (problem != null) throw new Error(`a neighbour's order: ${problem}`);
        this.#orders.set(`${i} ${start}`, prepared);
      }),
    );
  }

  /** Has the neighbours read their meters for a period that is over; each needs to know what it traded then. */
  async neighbourReadings(start: number): Promise<void> {
    await Promise.all(
      this.#meters.map(async (meter, i) => {
        const { order, metered } = this.#neighbours[i]!;
        const outcome = await meter.outcome(start, this.#orders.get(`${i} ${start}`)!);
        const { state, tradedUnits } = outcome;
        if (tradedUnits === null) throw new Error(`a neighbour's order: ${state}`);
        const net = order.side === "buy" ? tradedUnits : -tradedUnits;
        const answers = await meter.submitReading(
          await meter.prepareReading(start, metered!, net, 1),
        );
        const problem = answers.find((answer) => answer.problem !== null)?.problem;
        if (problem != null) throw new Error(`a neighbour's reading: ${problem}`);
      }),
    );
  }

  /** What the first supplier's own program learns of a month. */
  async supplierMonth(month: string): Promise<SupplierMonth> {
    const signer = signerOf(await readIdentity(this.files.suppliers[0]!));
    const tools = { field: new Field(), primitives: nodePrimitives };
    const { apis } = this.#access;
    const client = new SupplierClient({ market: this.market, apis, signer, supplier: 0, tools });
    return client.month(month);
  }

  /** Waits until the market's clock shows a moment. */
  async until(marketS: number): Promise<void> {
    await systemClock.sleep(this.time.msUntil(marketS));
  }

  /** Addresses that pages may ask, besides their own. */
  get origins(): string[] {
    const { evaluators, registrar } = this.market;
    return [...evaluators.map(({ web }) => web!), registrar!.web!];
  }

  stopPagesServer(): Promise<void> {
    return this.#server.end();
  }

  async stop(): Promise<void> {
    this.#access.close();
    await Promise.all([this.#server.end(), this.service.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
