// What a supplier's customers owe for a month, as JSON: one file per month, written when the month is closed.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Payable } from "../../client/supplier-settlement.ts";
import { roundedCents } from "../../market/bill.ts";
import { exactCents } from "../../market/money.ts";
import { writeDurably } from "../../platform/durable-file.ts";

export interface ClosedMonth {
  readonly month: string;
  readonly customers: readonly Payable[];
  /** Money units; null where it is withheld. */
  readonly position: bigint | null;
}

/** Amounts in ct: rounded as they are paid, and exact as text. Below 0 the supplier pays. */
export function payablesJson({ month, customers, position }: ClosedMonth): string {
  const document = {
    month,
    position_exact_ct: position === null ? null : exactCents(position),
    total_ct: customers.reduce((sum, { total }) => sum + roundedCents(total), 0),
    customers: customers.map(({ meter, periods, estimated, total }) => ({
      meter,
      periods,
      estimated_periods: estimated,
      total_ct: roundedCents(total),
      total_exact_ct: exactCents(total),
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

export class PayablesFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #fileOf(month: string): string {
    return join(this.#folder, `payables-${month}.json`);
  }

  has(month: string): boolean {
    return existsSync(this.#fileOf(month));
  }

  async put(closed: ClosedMonth): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeDurably(this.#fileOf(closed.month), payablesJson(closed));
  }
}
