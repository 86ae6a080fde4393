// A running market of real processes for tests of its pages: neighbours whose orders are known, the pages' server
// as a process, and codes for households.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type EvaluatorAccess, evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { ServiceProcess } from "../../src/agents/service-processes.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import type { ClearOrder } from "../../src/client/prepared-order.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { gateClosureOf, type MarketDocument } from "../../src/market/market-document.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { type MarketClock, marketClock } from "../../src/platform/market-clock.ts";
import { type LocalMarketFiles, setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { Registrar } from "../../src/registrar/registrar.ts";
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
const NEIGHBOURS: readonly ClearOrder[] = [
  { side: "buy", energyWh: 1000, limitTick: 2400 },
  { side: "buy", energyWh: 600, limitTick: 1400 },
  { side: "sell", energyWh: 400, limitTick: 900 },
];

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

  private constructor(parts: {
    readonly files: LocalMarketFiles;
    readonly service: LocalService;
    readonly folder: string;
    readonly server: ServiceProcess;
    readonly pages: string;
    readonly access: EvaluatorAccess;
    readonly meters: readonly MeterClient[];
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
  }

  static async start(): Promise<PagesMarket> {
    const folder = mkdtempSync(join(tmpdir(), "pages-"));
    const realMs = Date.now() + STARTING_MS;
    // The gate of the first period closes two periods before it.
    const openingMs = Date.parse(FIRST_PERIOD) - 4 * PERIOD_S * 1000;
    const files = await setUpLocalMarket(join(folder, "market"), {
      id: "elm-street",
      parameters: { name: "Elm Street", suppliers: SUPPLIERS, minimum_group: 3 },
      setting: completeSetting({ engine: "replicated" }),
      schedule: { period_s: PERIOD_S, first_period: FIRST_PERIOD },
      settlement: SETTLEMENT,
      rehearsal: { real: isoOf(realMs), market: isoOf(openingMs), speed: SPEED },
      meters: NEIGHBOURS.map((_, i) => ({ supplier: i % SUPPLIERS.length })),
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
        return new MeterClient({ market, apis, signer, meter: id, supplier: i % 2, tools });
      }),
    );
    return new PagesMarket({ files, service, folder, server, pages, access, meters });
  }

  /** A code for a household of the first supplier. */
  async code(): Promise<string> {
    const registrar = await Registrar.open(dirname(this.files.marketFile));
    try {
      return registrar.createCodes(0, 1, 1)[0]!;
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
        const prepared = await meter.prepareOrder(start, NEIGHBOURS[i]!, 1);
        const answers = await meter.submit(prepared);
        const problem = answers.find((answer) => answer.problem !== null)?.problem;
        if (problem != null) throw new Error(`a neighbour's order: ${problem}`);
      }),
    );
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
