// A span of settlement periods.
export interface Span {
  /** Starts of periods in seconds since 1970 UTC; `to` is not part of it. */
  readonly from: number;
  readonly to: number;
}
