// What the meter measured: from a file or typed, sent to all evaluators, and what has become of each reading.
import { useSignal } from "@preact/signals";
import { DayPicker } from "../components/day-picker.tsx";
import { Field, Select } from "../components/field.tsx";
import {
  dayStartAfter,
  dayStartOf,
  dayText,
  kwhOfWh,
  longDayText,
  spanText,
  wholeNumber,
} from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { billTexts } from "./bill-texts.ts";
import { CsvFileField } from "./csv-file-field.tsx";
import { readMetered } from "./order-input.ts";
import { readingState } from "./reading-state.ts";
import { metering } from "./session.ts";

/** Periods to choose from when one is typed. */
const MOST_OFFERED = 200;

export function ReadingsPage() {
  const t = billTexts();
  const { estimateWh } = market.value!.settlement!;
  return (
    <>
      <h1>{t.readingsTitle}</h1>
      <p class="lead">{t.readingsLead}</p>
      <p class="notice">{t.rule(kwhOfWh(estimateWh))}</p>
      <ReadingsFile />
      <OneReading />
      <DayReadings />
    </>
  );
}

function ReadingsFile() {
  const t = billTexts();
  const status = useSignal("");
  return (
    <section class="card">
      <CsvFileField
        label={t.file}
        hint={t.fileHint}
        status={status.value}
        take={async (_, rows) => {
          const all = [...rows].map(([periodStart, { importWh, exportWh }]) => ({
            periodStart,
            importedWh: importWh,
            exportedWh: exportWh,
          }));
          const taken = await metering.value!.keep(all);
          const said = t.taken(wholeNumber(taken), wholeNumber(all.length));
          status.value = taken === all.length ? said : `${said} ${t.notTaken}`;
        }}
      />
    </section>
  );
}

/** Periods that are over, newest first. */
function overPeriods(): number[] {
  const document = market.value!;
  const { period_s: length } = document.schedule;
  const now = nowS.value;
  const all = periodsIn(document, now - MOST_OFFERED * length, now);
  return all.filter((start) => start + length <= now).toReversed();
}

function OneReading() {
  const t = billTexts();
  const { parameters, schedule } = market.value!;
  const chosen = useSignal<string | null>(null);
  const [imported, exported] = [useSignal(""), useSignal("")];
  const problems = useSignal<{
    readonly imported: string | null;
    readonly exported: string | null;
  }>({
    imported: null,
    exported: null,
  });
  const status = useSignal("");
  const over = overPeriods();
  const start = Number(chosen.value ?? over[0]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const [from, to] = [imported.value, exported.value].map((text) =>
      readMetered(text, parameters),
    );
    const problemOf = (read: typeof from) =>
      read !== undefined && "problem" in read ? read.problem : null;
    problems.value = { imported: problemOf(from), exported: problemOf(to) };
    if (from === undefined || to === undefined || "problem" in from || "problem" in to) return;
    const row = { periodStart: start, importedWh: from.value, exportedWh: to.value };
    status.value = (await metering.value!.keep([row])) === 1 ? t.kept : t.closed;
  };
  if (over.length === 0) return null;
  return (
    <section class="card" aria-labelledby="one-reading">
      <h2 id="one-reading">{t.one}</h2>
      <form class="fields" id="reading-form" onSubmit={submit} noValidate>
        <Select
          label={t.period}
          value={String(start)}
          choices={over.map((one) => ({
            value: String(one),
            text: `${dayText(one)}, ${spanText(one, schedule.period_s)}`,
          }))}
          onChoose={(value) => (chosen.value = value)}
        />
        <Field
          label={t.imported}
          value={imported}
          inputMode="decimal"
          problem={problems.value.imported}
          onEdit={() => {
            chosen.value = String(start);
          }}
        />
        <Field
          label={t.exported}
          value={exported}
          inputMode="decimal"
          problem={problems.value.exported}
        />
        <p class="actions wide">
          <button type="submit" class="button">
            {t.send}
          </button>
          <span role="status">{status.value}</span>
        </p>
      </form>
    </section>
  );
}

function DayReadings() {
  const t = billTexts();
  const document = market.value!;
  const { period_s: length } = document.schedule;
  const chosen = useSignal<number | null>(null);
  const home = dayStartOf(overPeriods()[0] ?? nowS.value);
  const day = chosen.value ?? home;
  const starts = periodsIn(document, day, dayStartAfter(day, 1));
  const over = starts.filter((start) => start + length <= nowS.value);
  return (
    <section aria-labelledby="day-readings">
      <h2 id="day-readings">
        {t.readingsTitle}, {longDayText(day)}
      </h2>
      <DayPicker day={day} home={home} onChoose={(to) => (chosen.value = to)} />
      {over.length === 0 ? (
        <p>{t.noneOver}</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t.period}</th>
              <th scope="col" class="number">
                {t.importedHeading}
              </th>
              <th scope="col" class="number">
                {t.exportedHeading}
              </th>
              <th scope="col">{t.state}</th>
            </tr>
          </thead>
          <tbody>
            {over.toReversed().map((start) => (
              <ReadingRow key={start} start={start} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function ReadingRow({ start }: { readonly start: number }) {
  const running = metering.value!;
  // Read here so that the state appears when it changes: a row with the same properties is not rendered again.
  const entry = running.revision.value === 0 ? undefined : running.entries.get(start);
  const shown = entry?.wanted ?? entry?.readings.at(-1);
  const { name, text } = readingState(start, entry);
  return (
    <tr data-reading={start} data-state={name}>
      <th scope="row">{spanText(start, market.value!.schedule.period_s)}</th>
      <td class="number">{shown === undefined ? "–" : kwhOfWh(shown.importedWh)}</td>
      <td class="number">{shown === undefined ? "–" : kwhOfWh(shown.exportedWh)}</td>
      <td>
        {text}
        {[...(entry?.troubles ?? [])].map(([evaluator, { problem }]) => (
          <small key={evaluator} lang="en">
            evaluator {evaluator}: {problem}
          </small>
        ))}
      </td>
    </tr>
  );
}
