// What one party sees of an order, and what it does not.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { base64ToArrayBuffer } from "structured-headers";
import { toHex } from "../../../src/wire/hex.ts";
import { resultText } from "../household/order-text.ts";
import { access } from "../household/session.ts";
import { clockText, ctPerKwh, dayText, kwhOfWh, spanText, wholeNumber } from "../i18n/format.ts";
import { market, periods } from "../market/feed.ts";
import type { SeenOrder } from "./seen-order.ts";
import { seenTexts } from "./seen-texts.ts";

interface SeenProps {
  readonly seen: SeenOrder;
}

interface ViewProps {
  readonly name: string;
  readonly party: string;
  readonly seesNot: string;
  readonly children: ComponentChildren;
}

function View({ name, party, seesNot, children }: ViewProps) {
  const t = seenTexts();
  return (
    <section class="card" data-view={party}>
      <h2 class="view-name">{name}</h2>
      <dl class="pairs">{children}</dl>
      <p class="quiet-text">
        <strong>{t.seesNot}:</strong> {seesNot}
      </p>
    </section>
  );
}

const Pair = ({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
);

const whenText = (start: number): string =>
  `${dayText(start)}, ${spanText(start, market.value!.schedule.period_s)}`;

export function HouseholdView({ seen }: SeenProps) {
  const t = seenTexts();
  const document = market.value!;
  const { order, entry, start } = seen;
  const outcome = entry?.outcome ?? null;
  return (
    <View name={t.household} party="household" seesNot={t.othersOrders}>
      <Pair name={t.period}>{whenText(start)}</Pair>
      <Pair name={t.side}>{t.sides[order.side]}</Pair>
      <Pair name={t.energy}>{kwhOfWh(order.energyWh)}</Pair>
      <Pair name={t.limit}>
        {order.limitTick === null
          ? t.none
          : ctPerKwh(document.parameters.grid.value(order.limitTick))}
      </Pair>
      <Pair name={t.result}>
        {entry === null
          ? t.notSent
          : outcome === null
            ? t.pending
            : resultText(order, outcome, document)}
      </Pair>
    </View>
  );
}

export function EvaluatorView({ seen, evaluator }: SeenProps & { readonly evaluator: number }) {
  const t = seenTexts();
  const document = market.value!;
  const share = useResultShare(seen, evaluator);
  const { name } = document.evaluators[evaluator]!;
  const { entry } = seen;
  return (
    <View name={name} party={`evaluator-${evaluator}`} seesNot={t.neither}>
      <Pair name={t.period}>{whenText(seen.start)}</Pair>
      <Pair name={t.meter}>
        <code>{seen.meter}</code>
      </Pair>
      <Pair name={t.supplierOf}>{document.suppliers[seen.supplier]}</Pair>
      <Pair name={t.arrived}>
        {entry === null ? t.notSent : clockText(entry.order.placedMs / 1000)}
      </Pair>
      <Pair name={t.bytes}>
        {t.byteCount(wholeNumber(seen.lengths[evaluator]!))}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section class="hex" tabIndex={0} aria-label={`${t.bytes}, ${name}`}>
          {seen.shares[evaluator]}
        </section>
      </Pair>
      <Pair name={t.resultShare}>{share === null ? t.noShare : <code>{share}</code>}</Pair>
    </View>
  );
}

/** In hexadecimal, as the evaluator sends it; null before there is one. */
function useResultShare({ entry, start }: SeenOrder, evaluator: number): string | null {
  const share = useSignal<string | null>(null);
  const isKnown = entry?.outcome?.state === "cleared";
  const household = access.value;
  useEffect(() => {
    share.value = null;
    if (!isKnown || household === null) return;
    let isOver = false;
    const { apis, signer } = household;
    apis[evaluator]!.result(signer, start).then(
      (result) => {
        if (isOver || result.share === null) return;
        share.value = toHex(new Uint8Array(base64ToArrayBuffer(result.share)));
      },
      () => {}, // It is shown as not there.
    );
    return () => {
      isOver = true;
    };
  }, [isKnown, household, start, evaluator, share]);
  return share.value;
}

export function SupplierView({ seen }: SeenProps) {
  const t = seenTexts();
  const document = market.value!;
  const decision = periods.value.get(seen.start)?.decision ?? null;
  const isTold = decision?.revealedSuppliers[seen.supplier];
  const least = wholeNumber(document.parameters.minimumGroup);
  const name = `${t.supplier} (${document.suppliers[seen.supplier]})`;
  return (
    <View name={name} party="supplier" seesNot={t.supplierNot}>
      <Pair name={t.period}>{whenText(seen.start)}</Pair>
      <Pair name={t.supplierSums}>
        {isTold === undefined ? t.pending : isTold ? t.sumsTold : t.sumsWithheld(least)}
      </Pair>
    </View>
  );
}

export function PublicView({ seen }: SeenProps) {
  const t = seenTexts();
  const { grid } = market.value!.parameters;
  const period = periods.value.get(seen.start);
  const decision = period?.decision ?? null;
  const state = decision === null ? period?.states.find((one) => one !== null) : null;
  const outcome = decision?.outcome === "void" ? "void" : "published";
  return (
    <View name={t.public} party="public" seesNot={t.publicNot}>
      <Pair name={t.period}>{whenText(seen.start)}</Pair>
      <Pair name={t.state}>
        {decision !== null ? t.states[outcome] : (t.states[state ?? ""] ?? t.unknown)}
      </Pair>
      <Pair name={t.counted}>
        {decision?.agreed == null ? t.none : wholeNumber(decision.agreed.count)}
      </Pair>
      <Pair name={t.root}>
        {decision?.agreed == null ? t.none : <code>{decision.agreed.root}</code>}
      </Pair>
      <Pair name={t.price}>
        {decision === null
          ? t.none
          : decision.priceTick === null
            ? t.noTrade
            : ctPerKwh(grid.value(decision.priceTick))}
      </Pair>
    </View>
  );
}
