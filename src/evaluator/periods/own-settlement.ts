// What each evaluator computes by itself once it is decided which readings count: its shares of what every meter owes,
// and of what suppliers may learn. Everything is linear in shares that it has: nothing is sent. With a dealer the same
// is computed in the session that checks the readings (dealt-settlement.ts).
import type { Field } from "../../field/field.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import type { ReadingLayout } from "../../market/reading.ts";
import type { SecretReadings } from "../../market/reading-intake.ts";
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

/** What is public of a period that is settled. */
export interface SettledPeriod {
  readonly start: number;
  readonly clearing: Decision;
  readonly meters: readonly MeterOfPeriod[];
  readonly telling: Telling;
}

export interface PeriodToSettle extends SettledPeriod {
  readonly readings: readonly OrderEntry[];
  readonly rows: readonly ReceivedRows[];
  readonly layout: ReadingLayout;
  /** Shares of the orders' trades, and how many orders there were. */
  readonly trades: Uint8Array;
  readonly orders: number;
}

/** What comes of a settlement; per supplier null where it is told nothing. */
export interface SettledSecrets {
  /** Per meter: traded, fees, shortage, surplus. */
  readonly components: readonly Secret[];
  /** Imported and exported (length 2), and the position (length 1). */
  readonly metered: readonly (Secret | null)[];
  readonly positions: readonly (Secret | null)[];
}

/** No supplier has this number: meters outside a supplier's group get it where they are not to be summed up. */
const NOBODY = 255;

/** Shares of all that comes of a settlement, by this evaluator alone. */
export async function ownSettlement(
  field: Field,
  market: MarketDocument,
  party: number,
  period: PeriodToSettle,
): Promise<OwnParts["settlement"]> {
  const { readings, rows, layout, trades, orders } = period;
  const local = localShares(field, market.setting, party);
  try {
    const folded = await foldLocally(local, layout, rows, readings.length);
    const [net, bought] = secretsIn(field, market.setting, trades, orders);
    const ofOrders = net === undefined ? null : { net, bought: bought! };
    const settled = settledSecrets(local, market, period, ofOrders, folded);
    const base64 = (value: Secret | null) =>
      value === null ? null : base64Of(bytesOfSecrets(field, [value]));
    return ownParts(period, readings, {
      shares: bytesOfSecrets(field, settled.components),
      metered: settled.metered.map(base64),
      positions: settled.positions.map(base64),
    });
  } finally {
    field.memory.reset();
  }
}

/**
 * Settles a period from what its orders traded, one element per order or null where there were none, and from all its
 * readings. Local.
 */
export function settledSecrets(
  engine: LocalEngine,
  market: MarketDocument,
  { start, clearing, meters, telling }: SettledPeriod,
  ofOrders: SecretTrades | null,
  folded: SecretReadings,
): SettledSecrets {
  const { settlement: rules } = market;
  assert(rules !== null, "only a market with settlement settles");
  assert(market.suppliers.length < NOBODY, "suppliers have small numbers");
  const trades = tradesOfMeters(engine, meters, ofOrders);
  const places = meters.flatMap(({ reading }, place) => (reading === null ? [] : [place]));
  const counted = Uint32Array.from(places, (place) => meters[place]!.reading!);
  const only = (value: Secret) => engine.gather(value, counted);
  const suppliers = Uint8Array.from(meters, ({ supplier }) => supplier);
  const settled = settlePeriod(
    engine,
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
  const grouped = suppliers.map((supplier, i) => (telling.grouped[i] ? supplier : NOBODY));
  const sums = (value: Secret, of: Uint8Array, revealed: readonly boolean[]) =>
    sumsBySupplier(engine, value, of, revealed);
  const [into, out] = [imported, exported].map((value) =>
    sums(value, grouped, telling.revealedSuppliers),
  );
  return {
    components: [traded, fees, shortage, surplus],
    metered: into!.map((sum, k) => (sum === null ? null : engine.concat([sum, out![k]!]))),
    positions: sums(trades.net, suppliers, telling.revealedPositions),
  };
}

/** What an evaluator holds of `SettledSecrets`, as bytes. */
export interface HeldSettlement {
  /** Of the components, one after the other. */
  readonly shares: Uint8Array;
  readonly metered: SettlementNotes["metered"];
  readonly positions: SettlementNotes["positions"];
}

/** What an evaluator keeps of a settlement. */
export function ownParts(
  { meters, telling }: Pick<SettledPeriod, "meters" | "telling">,
  readings: readonly OrderEntry[],
  { shares, metered, positions }: HeldSettlement,
): OwnParts["settlement"] {
  const notes: SettlementNotes = {
    metered,
    positions,
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
}

export const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function tradesOfMeters(
  engine: LocalEngine,
  meters: readonly MeterOfPeriod[],
  ofOrders: SecretTrades | null,
): SecretTrades {
  if (ofOrders === null) return tradesByMeter(engine, null, meters.length);
  const places = new Uint32Array(ofOrders.net.length);
  meters.forEach(({ order }, place) => {
    if (order !== null) places[order] = place;
  });
  return tradesByMeter(engine, { trades: ofOrders, places }, meters.length);
}
