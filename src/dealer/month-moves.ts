// What a market's dealer computes when a month is closed. Evaluators hold amounts of single settlements under masks
// that nobody is told; sums of them, which they add up by themselves, are to be under masks that those can be told who
// may learn the sums. The difference of both masks moves a sum from one to the other: it is uniform, as each new mask
// hides this one sum only.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { expandMask } from "../sharing/masks.ts";
import {
  type ClosingRequest,
  COMPONENTS_PER_METER,
  MOVES_PER_METER,
} from "../wire/dealer-messages.ts";
import type { MonthNames, NamedMeter } from "../wire/month-names.ts";
import { KEPT, type MaskKeys, type ResultName } from "./mask-keys.ts";

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/**
 * Little-endian elements, to be added to what evaluators have: per meter the components of its bill and their sum, then
 * per supplier its position. `session` names the new masks: of a meter's components its own, of a supplier's position
 * and its customers' sums, in the order of the meters, the supplier's.
 */
export function monthMoves(
  tools: Tools,
  keys: MaskKeys,
  request: ClosingRequest,
  names: MonthNames,
  suppliers: number,
  session: string,
): Uint8Array {
  const { field } = tools;
  const { periodStart, attempt } = request;
  const closing = { kind: "month", periodStart, attempt, session } as const;
  const moves = masksOfSums(tools, keys, request, names, suppliers);
  const fresh = newMasks(tools, keys, closing, request.suppliers, names.meters, suppliers);
  field.sub(moves, moves, fresh);
  const bytes = field.toBytes(moves);
  field.free(moves);
  field.free(fresh);
  return bytes;
}

/** What hides the sums that evaluators have. */
function masksOfSums(
  tools: Tools,
  keys: MaskKeys,
  { before }: ClosingRequest,
  names: MonthNames,
  suppliers: number,
): Vector {
  const { field } = tools;
  const { meters } = names;
  const sums = componentSums(tools, keys, names);
  const masks = field.alloc(meters.length * MOVES_PER_METER + suppliers);
  field.fill(masks, 0);
  const element = (at: number) => masks.slice(at, at + 1);
  meters.forEach(({ supplier }, place) => {
    const at = place * MOVES_PER_METER;
    const total = element(at + COMPONENTS_PER_METER);
    for (let c = 0; c < COMPONENTS_PER_METER; c++) {
      const component = sums.slice(c * meters.length + place, c * meters.length + place + 1);
      field.copy(element(at + c), component);
      field.add(total, total, component);
    }
    const position = element(meters.length * MOVES_PER_METER + supplier);
    // A position is the sum of what customers owe for local energy, the first component.
    field.add(position, position, element(at));
  });
  if (before !== undefined) {
    const { open, ...closing } = before;
    for (const supplier of open) {
      const position = element(meters.length * MOVES_PER_METER + supplier);
      const kept = keys.result({ kind: "month", ...closing, party: KEPT.position(supplier) });
      const mask = expanded(tools, kept, 1);
      field.add(position, position, mask);
      field.free(mask);
    }
  }
  field.free(sums);
  return masks;
}

/** By component and meter, the sums of the masks of all settlements that cover the meter. */
function componentSums(
  { field, primitives }: Tools,
  keys: MaskKeys,
  { meters, settlements }: MonthNames,
): Vector {
  const count = meters.length;
  const sums = field.alloc(COMPONENTS_PER_METER * count);
  field.fill(sums, 0);
  for (const { start, attempt, session, covered } of settlements) {
    const settlement = { kind: "reading", periodStart: start, attempt, session } as const;
    const prg = primitives.prg(keys.result({ ...settlement, party: KEPT.amounts }));
    const places = field.memory.allocIndices(count);
    const elements = field.memory.indices(places);
    // Who is not covered gets the 0 behind the last element.
    elements.fill(covered.length);
    covered.forEach((place, i) => {
      elements[place] = i;
    });
    const [own, placed] = [field.alloc(covered.length + 1), field.alloc(count)];
    for (let c = 0; c < COMPONENTS_PER_METER; c++) {
      field.fill(own, 0);
      const masks = own.slice(0, covered.length);
      prg.fill(field.memory.bytes(masks));
      field.maskPrg(masks);
      field.gather(placed, own, places);
      const sum = sums.slice(c * count, (c + 1) * count);
      field.add(sum, sum, placed);
    }
    field.memory.freeIndices(places);
    field.free(own);
    field.free(placed);
  }
  return sums;
}

/** What is to hide the sums, in the order of the moves. */
function newMasks(
  tools: Tools,
  keys: MaskKeys,
  closing: Omit<ResultName, "party">,
  told: readonly number[],
  meters: readonly NamedMeter[],
  suppliers: number,
): Vector {
  const { field } = tools;
  const masks = field.alloc(meters.length * MOVES_PER_METER + suppliers);
  const put = (at: number, seed: Uint8Array, length: number) =>
    expandMask(field, tools.primitives, seed, masks.slice(at, at + length));
  meters.forEach(({ meter }, place) => {
    const seed = keys.result({ ...closing, party: `meter-${meter}` });
    put(place * MOVES_PER_METER, seed, COMPONENTS_PER_METER);
  });
  for (let supplier = 0; supplier < suppliers; supplier++) {
    const customers = meters.flatMap((one, place) => (one.supplier === supplier ? [place] : []));
    const seed = keys.result({ ...closing, party: `supplier-${supplier}` });
    const own = expanded(tools, seed, 1 + customers.length);
    const positionAt = meters.length * MOVES_PER_METER + supplier;
    if (told.includes(supplier)) {
      field.copy(masks.slice(positionAt, positionAt + 1), own.slice(0, 1));
    } else {
      put(positionAt, keys.result({ ...closing, party: KEPT.position(supplier) }), 1);
    }
    customers.forEach((place, i) => {
      const at = place * MOVES_PER_METER + COMPONENTS_PER_METER;
      field.copy(masks.slice(at, at + 1), own.slice(i + 1, i + 2));
    });
    field.free(own);
  }
  return masks;
}

function expanded({ field, primitives }: Tools, seed: Uint8Array, length: number): Vector {
  const mask = field.alloc(length);
  expandMask(field, primitives, seed, mask);
  return mask;
}
