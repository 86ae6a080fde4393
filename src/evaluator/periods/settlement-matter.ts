// The settlement of a period as a matter to be decided: which readings count, and what is told of it. With the decision
// each evaluator keeps its own shares of what every meter owes (own-settlement.ts).
import { readingPieces } from "../../market/order-pieces.ts";
import { readingLayout } from "../../market/reading.ts";
import { RowMisfitError } from "../../market/row-intake.ts";
import { AbortError } from "../../mpc/abort.ts";
import { assert } from "../../platform/assert.ts";
import type { Lease, OrderEntry } from "../../storage/evaluator-store.ts";
import type { OwnParts } from "../../storage/settlement-store.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { textOfPeriod } from "../../wire/records.ts";
import {
  type Settlement,
  settlementBytes,
  settlementSchema,
} from "../../wire/settlement-records.ts";
import { chooseActive } from "../engine-sessions.ts";
import type { ReceivedRows } from "../received-rows.ts";
import { decodeSettled } from "../settled-shares.ts";
import {
  type CheckedReadings,
  checkReadings,
  type DealtReadings,
  readingRowsOf,
} from "../settlement-session.ts";
import { agreeOnOrders, confirmAgreed } from "./agreement.ts";
import { leastMembers } from "./ballots.ts";
import type { PeriodContext } from "./context.ts";
import {
  estimatedOf,
  type FirstSettlement,
  type MeterOfPeriod,
  metersOf,
  type Telling,
  tellCorrection,
  tellFirst,
} from "./covered-meters.ts";
import { dealtParts, dealtReadings } from "./dealt-settlement.ts";
import {
  type Attempt,
  commonProposal,
  listed,
  type Matter,
  type NameList,
  nameList,
  neverVoid,
  type Proposal,
} from "./deciding.ts";
import { ownSettlement, type SettledPeriod } from "./own-settlement.ts";
import { readBodies } from "./received-bodies.ts";
import { type SettlementSupplies, settlementSupplies } from "./settlement-supplies.ts";

type Own = OwnParts["settlement"];

export interface SettlementOf {
  readonly lease: Lease;
  readonly start: number;
  readonly revision: 0 | 1;
  /** Readings whose shares were found not to fit together, where that ends a session: left out from now on. */
  readonly excluded: Set<string>;
}

export function settlementMatter(
  context: PeriodContext,
  of: SettlementOf,
): Matter<Settlement, Own> {
  const { market, store, events } = context;
  const { lease, start, revision, excluded } = of;
  const period = textOfPeriod(start);
  const name = { kind: "settlement", start, revision } as const;
  let list: NameList = nameList([]);
  return {
    name: `settlement ${revision} of the period ${period}`,
    schema: settlementSchema,
    needs: { toCompute: leastMembers(market.setting), deadline: false },
    bytes: settlementBytes,
    isAbout: (decision) => decision.period === period && decision.revision === revision,
    async stand() {
      const row = await store.matter(name);
      if (row === null) return { decision: null, ballot: 0, prepared: null, hasResults: false };
      const { decision, ballot, prepared, notes } = row;
      return { decision, ballot, prepared, hasResults: notes !== null };
    },
    overdue: () => false,
    async names() {
      const entries = await store.readingEntries(start);
      list = nameList(entries.filter(({ orderId }) => !excluded.has(orderId)));
      return listed(context, list);
    },
    promise: (ballot) => store.promiseMatter(lease, name, ballot),
    compute: (attempt) => computeSettlement(context, of, attempt, list),
    voided: neverVoid,
    prepare: (ballot, decision, own) => store.prepareMatter(lease, name, ballot, decision, own),
    decide: (signed) => store.decideMatter(lease, name, signed),
    decided: (settlement) => events.settled(settlement),
  };
}

async function computeSettlement(
  context: PeriodContext,
  of: SettlementOf,
  attempt: Attempt,
  list: NameList,
): Promise<Proposal<Settlement, Own> | string> {
  const { market, store, tools } = context;
  const { lease, start, revision } = of;
  const { exchanges, mesh, positions } = attempt;
  const readings = await agreeOnOrders(exchanges, positions, list.entries, list.bytes);
  const agreed = agreedOf(tools.primitives, readings);
  await confirmAgreed(exchanges, "reading", agreed);
  if (revision === 0) await store.beginSettling(lease, start);
  const supplies = await settlementSupplies(context, lease, attempt, start, revision);
  if (typeof supplies === "string") return supplies;
  const active = chooseActive(market.setting, mesh.members);
  assert(active !== null, "an attempt is made by enough evaluators");

  const received = await receivedReadings(context, mesh.party, start, readings);
  const peers = mesh.peersAmong(active);
  const first = revision === 1 ? await firstSettlement(context, start) : null;
  const found = { readings, agreed, supplies, active, first };
  const tell = (rejected: readonly number[], dealing?: string) =>
    settlementOf(context, of, attempt, found, rejected, dealing);
  const periodOf = (rejected: readonly number[]): SettledPeriod => {
    const { meters, telling } = tell(rejected);
    return { start, clearing: supplies.clearing, meters, telling };
  };
  let own: Settlement | null = null;
  let checked: CheckedReadings | null = null;
  if (peers !== null) {
    const { names } = received;
    const toDeal = { start, revision, attempt: attempt.ballot, names, supplies, periodOf };
    const dealt = dealtReadings(market, toDeal);
    checked = await checkedReadings(context, of, { peers, active }, received, found, dealt);
    own = tell(checked.rejected, checked.dealt?.session).settlement;
  }
  const settlement = await commonProposal(exchanges, settlementSchema, active, own);
  const { settlement: same } = tell(settlement.rejected, settlement.dealing);
  if (JSON.stringify(same) !== JSON.stringify(settlement)) {
    throw new AbortError(
      `the settlement of ${settlement.period} is not what follows from its readings`,
    );
  }
  const period = periodOf(settlement.rejected);
  if (market.dealer !== null) {
    assert(checked !== null, "with a dealer all evaluators compute");
    return { decision: settlement, own: dealtParts(market, period, readings, checked) };
  }
  const { trades, orders } = supplies;
  const parts = await ownSettlement(tools.field, market, mesh.party, {
    ...period,
    readings,
    rows: received.rows,
    layout: readingLayout(market.parameters.energyBits),
    trades,
    orders: orders.length,
  });
  return { decision: settlement, own: parts };
}

interface ReceivedReadings {
  readonly rows: readonly ReceivedRows[];
  /** With a dealer, the names of their masks, one after the other. */
  readonly names: Uint8Array;
}

/** This evaluator's shares of the readings, as their meters sent them. */
async function receivedReadings(
  { market, store, tools }: PeriodContext,
  party: number,
  start: number,
  readings: readonly OrderEntry[],
): Promise<ReceivedReadings> {
  const layout = readingLayout(market.parameters.energyBits);
  const pieces = readingPieces(market.setting, layout);
  const rows = readingRowsOf(tools, market.setting, party, readings.length, layout);
  const names = await readBodies(market, party, pieces, readings, rows, (onBody) =>
    store.readingBodies(start, readings, onBody),
  );
  return { rows, names };
}

async function checkedReadings(
  { market, tools, events, clock }: PeriodContext,
  { start, revision, excluded }: SettlementOf,
  parties: Parameters<typeof checkReadings>[1],
  { rows }: ReceivedReadings,
  { readings, supplies }: Found,
  dealt: DealtReadings | null,
): Promise<CheckedReadings> {
  events.settling(textOfPeriod(start), revision, readings.length, parties.active);
  if (readings.length === 0 && dealt === null) return { rejected: [], dealt: null };
  const { trades, orders } = supplies;
  const places = new Map(orders.map(({ meter }, place) => [meter, place]));
  const toCheck = {
    setting: market.setting,
    layout: readingLayout(market.parameters.energyBits),
    count: readings.length,
    rows,
    trades,
    orders: orders.length,
    orderOf: Uint32Array.from(readings, ({ meter }) => places.get(meter) ?? orders.length),
  };
  const beginMs = clock.nowMs();
  try {
    return await checkReadings(tools, parties, toCheck, dealt);
  } catch (error) {
    if (error instanceof RowMisfitError) excluded.add(readings[error.row]!.orderId);
    throw error;
  } finally {
    events.checkedReadings(clock.nowMs() - beginMs);
  }
}

async function firstSettlement({ store }: PeriodContext, start: number): Promise<FirstSettlement> {
  const row = await store.matter({ kind: "settlement", start, revision: 0 });
  assert(row?.decision != null && row.notes !== null, "the first settlement is here");
  const settlement = row.decision.decision;
  const kept = await store.settledShares(start, 0, settlement.attempt);
  assert(kept !== null, "what belongs to a settlement is kept with it");
  const readings = await store.agreedReadings(start, 0);
  return { settlement, readings, meters: decodeSettled(kept).meters };
}

interface Found {
  readonly readings: readonly OrderEntry[];
  readonly agreed: Settlement["readings"];
  readonly supplies: SettlementSupplies;
  readonly active: readonly number[];
  readonly first: FirstSettlement | null;
}

/** What follows from the readings that are rejected. */
function settlementOf(
  { market }: PeriodContext,
  { start, revision }: SettlementOf,
  { ballot, mesh }: Attempt,
  { readings, agreed, supplies, active, first }: Found,
  rejected: readonly number[],
  dealing: string | undefined,
): { settlement: Settlement; meters: readonly MeterOfPeriod[]; telling: Telling } {
  const { orders, clearing, groups } = supplies;
  const meters = metersOf(orders, readings, rejected);
  const telling =
    first === null
      ? tellFirst(market, groups, start, meters, clearing.traded)
      : tellCorrection(market, first, meters, readings);
  const settlement = {
    market: market.id,
    period: textOfPeriod(start),
    revision,
    attempt: ballot,
    readings: agreed,
    members: [...mesh.members],
    active: [...active],
    rejected: [...rejected],
    estimated: estimatedOf(meters),
    revealedSuppliers: [...telling.revealedSuppliers],
    revealedPositions: [...telling.revealedPositions],
    ...(dealing === undefined ? {} : { dealing }),
  };
  return { settlement, meters, telling };
}
