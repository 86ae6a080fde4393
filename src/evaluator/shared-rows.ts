// Received rows of bits as an engine's Secrets, one per column, for engines whose shares are what evaluators receive.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { ReceivedShares } from "../market/row-intake.ts";
import { Secret } from "../mpc/shared.ts";
import type { ReceivedRows } from "./received-rows.ts";
import type { ShareCheck } from "./share-checks.ts";

/** Rows worked on at once: they stay in the cache. */
const ROWS_AT_ONCE = 1024;

/** All rows, one ReceivedRows for each component of a sharing. */
export function sharedRows(
  field: Field,
  components: readonly ReceivedRows[],
  count: number,
  layout: { readonly bits: number; readonly width: number },
  check: ShareCheck,
): ReceivedShares {
  const { bits, width } = layout;
  const fingerprints = components.map(() => field.alloc(count));
  const buffer = field.alloc(Math.min(count, ROWS_AT_ONCE) * width);

  const readComponent = (
    index: number,
    from: number,
    columns: readonly Vector[],
    weights: Vector,
  ) => {
    const { length } = columns[0]!;
    for (let at = 0; at < length; at += ROWS_AT_ONCE) {
      const end = Math.min(at + ROWS_AT_ONCE, length);
      const rows = buffer.slice(0, (end - at) * width);
      components[index]!.read(from + at, from + end, rows);
      field.combineRows(fingerprints[index]!.slice(from + at, from + end), rows, weights);
      for (const [j, column] of columns.entries()) {
        field.column(column.slice(at, end), rows, width, j);
      }
    }
  };
  return {
    count,
    async columns(from, to, weights) {
      const columns = components.map((_, index) => {
        const own = Array.from({ length: bits }, () => field.alloc(to - from));
        readComponent(index, from, own, weights);
        return own;
      });
      return columns[0]!.map(
        (_, j) =>
          new Secret(
            columns.map((own) => own[j]!),
            true,
          ),
      );
    },
    misfits: (from, to) => check.misfits(fingerprints.map((all) => all.slice(from, to))),
    holders: check.holders,
    free() {
      for (const done of [buffer, ...fingerprints]) field.free(done);
    },
  };
}
