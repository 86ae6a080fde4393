// A month's totals at one evaluator: its shares of what every meter owes, added up over the last settlement of every
// period. Each is counted once because nothing is added before all are known, and nothing is kept before the sum is
// whole.
import type { Field } from "../../field/field.ts";
import { payable, sumsBySupplier, type Totals } from "../../market/settlement.ts";
import type { LocalEngine } from "../../mpc/engine.ts";
import type { Secret } from "../../mpc/shared.ts";
import { assert } from "../../platform/assert.ts";
import { nextTurn } from "../../platform/turn.ts";
import type { BillRow } from "../../storage/settlement-store.ts";
import type { Setting } from "../../wire/setting.ts";
import { decodeSettled, SETTLED_VECTORS } from "../settled-shares.ts";
import { bytesOfSecrets, localShares, secretsIn } from "../share-bytes.ts";

interface MeterOfMonth {
  readonly meter: string;
  readonly supplier: number;
  periods: number;
  estimated: number;
}

export class MonthTotals {
  private readonly field: Field;
  private readonly local: LocalEngine;
  private readonly setting: Setting;
  private readonly places = new Map<string, number>();
  /** By place: in the order in which they were met. */
  private readonly meters: MeterOfMonth[] = [];
  /** Traded, fees, shortage, surplus; null before the first period. */
  private sums: Secret[] | null = null;

  /** `field` is for this alone. */
  constructor(field: Field, setting: Setting, party: number) {
    this.field = field;
    this.setting = setting;
    this.local = localShares(field, setting, party);
  }

  /** Adds what is kept of a period (settled-shares.ts). Resolves with the meters that it covers. */
  async add(kept: Uint8Array): Promise<readonly string[]> {
    const { local, field } = this;
    const { meters, shares } = decodeSettled(kept);
    if (meters.length === 0) return [];
    for (const { meter, supplier } of meters) {
      if (this.places.has(meter)) continue;
      this.places.set(meter, this.meters.length);
      this.meters.push({ meter, supplier, periods: 0, estimated: 0 });
    }
    // Who is not of this period gets the 0 behind the last element.
    const from = new Uint32Array(this.meters.length).fill(meters.length);
    meters.forEach(({ meter, estimated }, i) => {
      const place = this.places.get(meter)!;
      from[place] = i;
      const own = this.meters[place]!;
      own.periods += 1;
      if (estimated) own.estimated += 1;
    });
    const nothing = local.constant([0]);
    const added = secretsIn(field, this.setting, shares, meters.length).map((value) => {
      const extended = local.concat([value, nothing]);
      const placed = local.gather(extended, from);
      local.free(value, extended);
      return placed;
    });
    assert(added.length === SETTLED_VECTORS, "a settlement has four components");
    this.sums = this.sums === null ? added : this.plus(this.sums, added);
    local.free(nothing);
    await nextTurn();
    // One text per meter, however many periods there are.
    return meters.map(({ meter }) => this.meters[this.places.get(meter)!]!.meter);
  }

  private plus(sums: readonly Secret[], added: readonly Secret[]): Secret[] {
    const { local } = this;
    return sums.map((sum, i) => {
      const value = added[i]!;
      const missing = value.length - sum.length;
      const zeros = local.constant(new Uint8Array(missing));
      const longer = missing === 0 ? sum : local.concat([sum, zeros]);
      const next = local.add(longer, value);
      if (longer !== sum) local.free(longer);
      local.free(sum, value, zeros);
      return next;
    });
  }

  private totals(): Totals {
    const [traded, fees, shortage, surplus] =
      this.sums ?? Array.from({ length: SETTLED_VECTORS }, () => this.local.constant([]));
    return { traded: traded!, fees: fees!, shortage: shortage!, surplus: surplus! };
  }

  /** This evaluator's shares of every meter's bill, by meter. */
  bills(): BillRow[] {
    const { local, field } = this;
    const totals = this.totals();
    const { traded, fees, shortage, surplus } = totals;
    const owed = payable(local, totals);
    const bills = this.meters.map((own, i) => {
      const element = (of: Secret) => local.slice(of, i, i + 1);
      const components = local.concat([traded, fees, shortage, surplus].map(element));
      const row = {
        ...own,
        components: bytesOfSecrets(field, [components]),
        payable: bytesOfSecrets(field, [element(owed)]),
      };
      local.free(components);
      return row;
    });
    local.free(owed);
    return bills.sort((a, b) => (a.meter < b.meter ? -1 : 1));
  }

  /**
   * Shares of each supplier's position, a number per supplier, plus what is open of earlier months: shares of as many
   * numbers, null if nothing is.
   */
  positions(suppliers: number, open: Uint8Array | null): Uint8Array {
    const { local, field, setting } = this;
    const of = Uint8Array.from(this.meters, ({ supplier }) => supplier);
    const all = new Array<boolean>(suppliers).fill(true);
    const own = local.concat(
      sumsBySupplier(local, this.totals().traded, of, all).map((sum) => sum!),
    );
    const [before] = open === null ? [] : secretsIn(field, setting, open, suppliers);
    return bytesOfSecrets(field, [before === undefined ? own : local.add(own, before)]);
  }

  free(): void {
    this.field.memory.reset();
  }
}
