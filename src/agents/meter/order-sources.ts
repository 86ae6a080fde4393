// Where a meter's orders come from: a file with an order per period, or a standing rule on a forecast. Files are
// read again when they have changed, so that a household may edit them while its meter runs.
import { readFile, stat } from "node:fs/promises";
import type { ClearOrder } from "../../client/prepared-order.ts";
import {
  type ExpectedEnergy,
  IDLE,
  orderByRule,
  type StandingRule,
} from "../../client/standing-rule.ts";
import type { Side } from "../../market/order.ts";
import type { MarketParameters } from "../../market/parameters.ts";
import {
  clipped,
  PeriodFileError,
  type PeriodFileFormat,
  parsePeriodFile,
  type RowResult,
  wholeNumberField,
} from "./period-file.ts";

/** What a household wants, period by period. */
export interface OrderSource {
  /** The wish for a period; IDLE when there is none. Rejects when it cannot be known, e.g. a file is wrong. */
  wishFor(periodStart: number): Promise<ClearOrder>;
}

type Parameters = Pick<MarketParameters, "grid" | "energyBits">;

/** Trades nothing; its meter sends zero orders all the same. */
export const idleSource: OrderSource = { wishFor: async () => IDLE };

/** What an order's columns or options ask for, or what is wrong with them. */
export function readWish(
  { grid, energyBits }: Parameters,
  fields: { readonly side: string; readonly energyWh: string; readonly limit: string },
  names: { readonly side: string; readonly energyWh: string; readonly limit: string },
): RowResult<ClearOrder> {
  const problems: string[] = [];
  const known = (["buy", "sell", "idle"] as const).find((side) => side === fields.side);
  if (known === undefined) {
    problems.push(`${names.side} is "${clipped(fields.side)}"; expected buy, sell or idle`);
  }
  const side: Side = known ?? "buy";
  const energy = wholeNumberField(names.energyWh, fields.energyWh, 2 ** energyBits - 1);
  if (typeof energy === "string") problems.push(energy);
  else if (side === "idle" && energy > 0) {
    problems.push(`${names.energyWh} is ${energy}; an idle order must have 0`);
  }
  const noLimit = side === "idle" && fields.limit === "";
  const tick = noLimit ? null : grid.tickOf(fields.limit);
  if (tick !== null && typeof tick !== "number") {
    const found = fields.limit === "" ? "" : ` "${clipped(fields.limit)}"`;
    problems.push(`${names.limit}${found} is ${tick.message}`);
  }
  if (problems.length > 0 || typeof energy === "string") return { problems };
  const limitTick = typeof tick === "number" ? tick : null;
  return { value: side === "idle" || energy === 0 ? IDLE : { side, energyWh: energy, limitTick } };
}

const PLAN_COLUMNS = ["period_start", "side", "energy_wh", "limit_price_ct_per_kwh"] as const;

const planFormat = (parameters: Parameters): PeriodFileFormat<ClearOrder> => ({
  columns: PLAN_COLUMNS,
  read: ([side = "", energyWh = "", limit = ""]) =>
    readWish(
      parameters,
      { side, energyWh, limit },
      { side: PLAN_COLUMNS[1], energyWh: PLAN_COLUMNS[2], limit: PLAN_COLUMNS[3] },
    ),
});

const forecastFormat = ({ energyBits }: Parameters): PeriodFileFormat<ExpectedEnergy> => ({
  columns: ["period_start", "import_wh", "export_wh"],
  read: ([importText = "", exportText = ""]) => {
    const most = 2 ** energyBits - 1;
    const importWh = wholeNumberField("import_wh", importText, most);
    const exportWh = wholeNumberField("export_wh", exportText, most);
    if (typeof importWh === "number" && typeof exportWh === "number") {
      return { value: { importWh, exportWh } };
    }
    return { problems: [importWh, exportWh].filter((found) => typeof found === "string") };
  },
});

/** A file with a row per period, read again when it has changed. */
class PeriodFile<T> {
  readonly #file: string;
  readonly #periodS: number;
  readonly #format: PeriodFileFormat<T>;
  #stamp = "";
  #rows: ReadonlyMap<number, T> = new Map();

  constructor(file: string, periodS: number, format: PeriodFileFormat<T>) {
    this.#file = file;
    this.#periodS = periodS;
    this.#format = format;
  }

  /** The rows as the file has them now; throws PeriodFileError. */
  async rows(): Promise<ReadonlyMap<number, T>> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#file);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.#stamp) return this.#rows;
      const bytes = await readFile(this.#file);
      this.#rows = parsePeriodFile(bytes, this.#file, this.#periodS, this.#format);
      this.#stamp = stamp;
      return this.#rows;
    } catch (error) {
      if (error instanceof PeriodFileError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === "ENOENT" ? "there is no such file" : code;
      throw new PeriodFileError([`cannot read ${this.#file}: ${reason}`]);
    }
  }
}

export interface PlanOptions {
  readonly parameters: Parameters;
  /** Length of a settlement period. */
  readonly periodS: number;
  readonly file: string;
}

/**
 * The orders of a file `period_start,side,energy_wh,limit_price_ct_per_kwh`; a period without a row is idle. Throws
 * PeriodFileError when the file is wrong.
 */
export async function planSource({ parameters, periodS, file }: PlanOptions): Promise<OrderSource> {
  const plan = new PeriodFile(file, periodS, planFormat(parameters));
  await plan.rows();
  return { wishFor: async (start) => (await plan.rows()).get(start) ?? IDLE };
}

/**
 * A standing rule on a forecast `period_start,import_wh,export_wh`: what is left over is offered, what is lacking is
 * bid for, each at the rule's limit; a period without a row is idle. Throws PeriodFileError when the file is wrong.
 */
export async function ruleSource(
  options: PlanOptions & { readonly rule: StandingRule },
): Promise<OrderSource> {
  const { parameters, periodS, file, rule } = options;
  const forecast = new PeriodFile(file, periodS, forecastFormat(parameters));
  await forecast.rows();
  return {
    wishFor: async (start) => {
      const expected = (await forecast.rows()).get(start);
      return expected === undefined ? IDLE : orderByRule(rule, expected);
    },
  };
}
