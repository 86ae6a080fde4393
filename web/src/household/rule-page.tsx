// The standing rule: its limits, and what it goes by.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart } from "../components/chart.tsx";
import { Choice, Field, Select } from "../components/field.tsx";
import {
  dayStartAfter,
  dayStartOf,
  editableNumber,
  kwhOfWh,
  longDayText,
  spanText,
  timeText,
  typedNumber,
  wholeNumber,
} from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { firstOpen, periodsIn } from "../market/schedule.ts";
import { expectedOf, netOf } from "./forecast.ts";
import { ForecastFileField } from "./forecast-file-field.tsx";
import { readLimit } from "./order-input.ts";
import { ruleTexts } from "./rule-texts.ts";
import { keepSettings, settings } from "./session.ts";
import type { HouseholdSettings } from "./settings.ts";

const NUMBERS = ["annualKwh", "peakKw", "latitudeDegrees", "longitudeDegrees"] as const;
type NumberName = (typeof NUMBERS)[number];

export function RulePage() {
  const t = ruleTexts();
  return (
    <>
      <h1>{t.ruleTitle}</h1>
      <p class="lead">{t.ruleLead}</p>
      <p class="notice">{t.ruleOpen}</p>
      <RuleForm />
      {settings.value.rule.source === "shape" && <ExpectedDay />}
    </>
  );
}

const numberText = (value: number | null): string => (value === null ? "" : editableNumber(value));

function RuleForm() {
  const t = ruleTexts();
  const { parameters } = market.value!;
  const { rule, shape } = settings.peek();
  const tickText = (tick: number | null) =>
    numberText(tick === null ? null : parameters.grid.value(tick));
  const sell = useSignal(tickText(rule.sellTick));
  const buy = useSignal(tickText(rule.buyTick));
  const draft = useSignal<Pick<HouseholdSettings, "rule" | "shape">>({ rule, shape });
  const numbers = {
    annualKwh: useSignal(editableNumber(shape.annualKwh)),
    peakKw: useSignal(editableNumber(shape.peakKw)),
    latitudeDegrees: useSignal(editableNumber(shape.latitudeDegrees)),
    longitudeDegrees: useSignal(editableNumber(shape.longitudeDegrees)),
  } satisfies Record<NumberName, unknown>;
  const problems = useSignal<Readonly<Record<string, string | null>>>({});
  const isKept = useSignal(false);
  const change = (changed: Partial<HouseholdSettings["rule"] & HouseholdSettings["shape"]>) => {
    isKept.value = false;
    const { active, source, sellTick, buyTick, ...rest } = changed;
    const ofRule = {
      ...(active === undefined ? {} : { active }),
      ...(source === undefined ? {} : { source }),
    };
    draft.value = {
      rule: { ...draft.value.rule, ...ofRule },
      shape: { ...draft.value.shape, ...rest },
    };
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const [sellTick, buyTick] = [
      readLimit(sell.value, parameters),
      readLimit(buy.value, parameters),
    ];
    const read = NUMBERS.map((name) => [name, readNumber(numbers[name].value)] as const);
    problems.value = {
      sell: "problem" in sellTick ? sellTick.problem : null,
      buy: "problem" in buyTick ? buyTick.problem : null,
      ...Object.fromEntries(read.map(([name, value]) => [name, value === null ? t.number : null])),
    };
    if (Object.values(problems.value).some((problem) => problem !== null)) return;
    if ("problem" in sellTick || "problem" in buyTick) return;
    const { rule: ruleDraft, shape: shapeDraft } = draft.value;
    await keepSettings({
      rule: { ...ruleDraft, sellTick: sellTick.value, buyTick: buyTick.value },
      shape: { ...shapeDraft, ...Object.fromEntries(read.map(([name, value]) => [name, value!])) },
    });
    isKept.value = true;
  };
  const { source, active } = draft.value.rule;
  const field = (name: NumberName, label: string, hint?: string) => (
    <Field
      key={name}
      label={label}
      {...(hint === undefined ? {} : { hint })}
      value={numbers[name]}
      inputMode="decimal"
      problem={problems.value[name] ?? null}
      onEdit={() => (isKept.value = false)}
    />
  );
  return (
    <form class="card fields" onSubmit={submit} noValidate>
      <p class="wide check-line">
        <label>
          <input
            type="checkbox"
            checked={active}
            onChange={({ currentTarget }) => change({ active: currentTarget.checked })}
          />
          {t.ruleActive}
        </label>
      </p>
      <Field
        label={t.sellAbove}
        hint={t.never}
        value={sell}
        inputMode="decimal"
        problem={problems.value.sell ?? null}
      />
      <Field
        label={t.buyBelow}
        hint={t.never}
        value={buy}
        inputMode="decimal"
        problem={problems.value.buy ?? null}
      />
      <div class="wide">
        <Choice
          label={t.expectation}
          value={source}
          choices={[
            { value: "shape", text: t.shape },
            { value: "file", text: t.file },
          ]}
          onChoose={(chosen) => change({ source: chosen })}
        />
      </div>
      {source === "file" ? (
        <ForecastFileField />
      ) : (
        <>
          {field("annualKwh", t.annual)}
          {field("peakKw", t.peak, t.peakHint)}
          <Select
            label={t.facing}
            value={draft.value.shape.facing}
            choices={(["south", "east", "west"] as const).map((value) => ({
              value,
              text: t.facings[value],
            }))}
            onChoose={(facing) => change({ facing })}
          />
          <Select
            label={t.sky}
            value={draft.value.shape.sky}
            choices={(["clear", "changing", "covered"] as const).map((value) => ({
              value,
              text: t.skies[value],
            }))}
            onChoose={(sky) => change({ sky })}
          />
          {field("latitudeDegrees", t.latitude)}
          {field("longitudeDegrees", t.longitude)}
        </>
      )}
      <p class="actions wide">
        <button type="submit" class="button">
          {t.keepRule}
        </button>
        <span role="status">{isKept.value ? t.ruleKept : ""}</span>
      </p>
    </form>
  );
}

function readNumber(text: string): number | null {
  const typed = typedNumber(text);
  return typed === null ? null : Number(typed);
}

function ExpectedDay() {
  const t = ruleTexts();
  const document = market.value!;
  const { shape } = settings.value;
  const { period_s: length } = document.schedule;
  const day = dayStartOf(firstOpen(document, nowS.value));
  const chart = useMemo(() => {
    const xs = periodsIn(document, day, dayStartAfter(day, 1));
    const expected = xs.map((start) => expectedOf(shape, start, length));
    const net = expected.map(netOf);
    const sum = (values: readonly number[]) => kwhOfWh(values.reduce((all, one) => all + one, 0));
    const load = expected.map(({ loadWh }) => loadWh);
    const solar = expected.map(({ solarWh }) => solarWh);
    const left = net.map(({ exportWh }) => exportWh);
    const lacking = net.map(({ importWh }) => importWh);
    return {
      xs,
      answer: t.expectedAnswer(sum(load), sum(solar), sum(left), sum(lacking)),
      series: [
        { label: t.use, values: load, kind: "step", colour: "blue", format: kwhOfWh },
        {
          label: t.yield,
          values: solar,
          kind: "step",
          colour: "orange",
          isDashed: true,
          format: kwhOfWh,
        },
      ] as const,
    };
  }, [document, day, shape, length, t]);
  return (
    <Chart
      question={t.expected}
      note={longDayText(day)}
      {...chart}
      unit="Wh"
      yText={wholeNumber}
      axisText={timeText}
      xText={(x) => spanText(x, length)}
      xHeading={t.period}
    />
  );
}
