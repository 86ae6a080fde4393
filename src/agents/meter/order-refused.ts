// Why a meter places no order for a period.

const REFUSALS = {
  "no-period": "no settlement period of this market begins then",
  "too-early": "the period is not open for orders yet",
  closed: "the gate of the period is closed",
} as const;

/** An order cannot be placed; says why. */
export class OrderRefusedError extends Error {
  override readonly name = "OrderRefusedError";

  constructor(window: keyof typeof REFUSALS) {
    super(REFUSALS[window]);
  }
}
