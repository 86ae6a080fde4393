// A supplier's sums as comma-separated values, exact, with the columns that its program writes.
import { roundedCents } from "../../../src/market/bill.ts";
import { exactWh } from "../../../src/market/energy-text.ts";
import { exactCents } from "../../../src/market/money.ts";
import { textOfPeriod } from "../../../src/wire/records.ts";
import type { StoredMonth } from "./database.ts";
import type { PeriodRow } from "./sums.ts";

const PERIOD_COLUMNS =
  "period_start,bought_wh,sold_wh,state,imported_wh,exported_wh,position_wh,metered_state";
const MONTH_COLUMNS = "month,meter,periods,estimated_periods,total_ct,total_exact_ct";
const LINE_END = "\r\n";

const energyText = (units: number | null): string =>
  units === null ? "" : units < 0 ? `-${exactWh(-units)}` : exactWh(units);

export function periodsCsv(rows: readonly PeriodRow[]): string {
  const lines = rows.map((row) =>
    [
      textOfPeriod(row.start),
      energyText(row.boughtUnits),
      energyText(row.soldUnits),
      row.state,
      energyText(row.importedUnits),
      energyText(row.exportedUnits),
      energyText(row.positionUnits),
      row.metered ?? "",
    ].join(","),
  );
  return [PERIOD_COLUMNS, ...lines, ""].join(LINE_END);
}

export function monthCsv({ month, customers }: StoredMonth): string {
  const lines = customers.map(({ meter, periods, estimated, total }) =>
    [month, meter, periods, estimated, roundedCents(total), exactCents(total)].join(","),
  );
  return [MONTH_COLUMNS, ...lines, ""].join(LINE_END);
}
