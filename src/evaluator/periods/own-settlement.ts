// What each evaluator computes by itself once it is decided which readings count: its shares of what every meter owes,
// and of what suppliers may learn. Everything is linear in shares that it has: nothing is sent.
import type { Field } from "../../field/field.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import type { ReadingLayout } from "../../market/reading.ts";
import {
  type SecretTrades,
  settlePeriod,
  sumsBySupplier,
  tradesByMeter,
} from "../../market/settlement.ts";
import { periodPrices } from "../../market/tariffs.ts";
import type { LocalEngine } from "../../mpc/engine.ts";
import type { Secret } from "../../mpc/shared.ts";
import { assert } from "../../platform/assert.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import type { OwnParts } from "../../storage/settlement-store.ts";
import type { Decision } from "../../wire/records.ts";
import type { ReceivedRows } from "../received-rows.ts";
import { encodeSettled, meterBytes } from "../settled-shares.ts";
import type { SettlementNotes } from "../settlement-notes.ts";
import { foldLocally } from "../settlement-session.ts";
import { bytesOfSecrets, localShares, secretsIn } from "../share-bytes.ts";
import type { MeterOfPeriod, Telling } from "./covered-meters.ts";

export interface PeriodToSettle {
  readonly start: number;
  readonly clearing: Decision;
  readonly meters: readonly MeterOfPeriod[];
  readonly telling: Telling;
  readonly readings: readonly OrderEntry[];
  readonly rows: readonly ReceivedRows[];
  readonly layout: ReadingLayout;
  /** Shares of the orders' trades, and how many orders there were. */
  readonly trades: Uint8Array;
  readonly orders: number;
}

/** No supplier has this number: meters outside a supplier's group get it where they are not to be summed up. */
const NOBODY = 255;

export async function ownSettlement(
  field: Field,
  market: MarketDocument,
  party: number,
  period: PeriodToSettle,
): Promise<OwnParts["settlement"]> {
  const { start, clearing, meters, telling, readings, rows, layout } = period;
  const { setting, settlement: rules } = market;
  assert(rules !== null, "only a market with settlement settles");
  assert(market.suppliers.length < NOBODY, "suppliers have small numbers");
  const local = localShares(field, setting, party);
  try {
    const trades = tradesOfMeters(local, market, period);
    const places = meters.flatMap(({ reading }, place) => (reading === null ? [] : [place]));
    const counted = Uint32Array.from(places, (place) => meters[place]!.reading!);
    const folded = await foldLocally(local, layout, rows, readings.length);
    const only = (value: Secret) => local.gather(value, counted);
    const suppliers = Uint8Array.from(meters, ({ supplier }) => supplier);
    const settled = settlePeriod(
      local,
      trades,
      {
        readings: {
          imported: only(folded.imported),
          exported: only(folded.exported),
          shortage: only(folded.shortage),
          surplus: only(folded.surplus),
        },
        places: Uint32Array.from(places),
        counts: places.map(() => true),
        profileWh: rules.estimateWh,
      },
      periodPrices(market, start, clearing.priceTick),
      suppliers,
    );
    const { traded, fees, shortage, surplus, imported, exported } = settled;
    const shares = bytesOfSecrets(field, [traded, fees, shortage, surplus]);
    const grouped = suppliers.map((supplier, i) => (telling.grouped[i] ? supplier : NOBODY));
    const sums = (value: Secret, of: Uint8Array, revealed: readonly boolean[]) =>
      sumsBySupplier(local, value, of, revealed);
    const [into, out] = [imported, exported].map((value) =>
      sums(value, grouped, telling.revealedSuppliers),
    );
    const notes: SettlementNotes = {
      metered: into!.map((sum, k) =>
        sum === null ? null : base64(field, local.concat([sum, out![k]!])),
      ),
      positions: sums(trades.net, suppliers, telling.revealedPositions).map((sum) =>
        sum === null ? null : base64(field, sum),
      ),
      groups: telling.groups.map(({ members, waitingSince }) => ({
        members: [...members],
        waitingSince,
      })),
    };
    const covered = meters.map(({ meter, supplier, reading }, i) => ({
      meter,
      supplier,
      estimated: reading === null,
      grouped: telling.grouped[i]!,
    }));
    return {
      readings,
      shares: encodeSettled(meterBytes(covered), shares),
      notes: JSON.stringify(notes),
    };
  } finally {
    field.memory.reset();
  }
}

const base64 = (field: Field, value: Secret): string =>
  Buffer.from(bytesOfSecrets(field, [value])).toString("base64");

function tradesOfMeters(
  local: LocalEngine,
  { setting }: MarketDocument,
  { meters, trades, orders }: PeriodToSettle,
): SecretTrades {
  if (orders === 0) return tradesByMeter(local, null, meters.length);
  const [net, bought] = secretsIn(local.field, setting, trades, orders);
  const places = new Uint32Array(orders);
  meters.forEach(({ order }, place) => {
    if (order !== null) places[order] = place;
  });
  return tradesByMeter(local, { trades: { net: net!, bought: bought! }, places }, meters.length);
}
