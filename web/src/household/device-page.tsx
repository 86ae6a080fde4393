// What this browser keeps, and copies of it for the person.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { download } from "../components/download.ts";
import { clockText, dayText } from "../i18n/format.ts";
import { textTable } from "../i18n/language.ts";
import { market } from "../market/feed.ts";
import { historyCsv } from "./history-csv.ts";
import { exportHistory, identity } from "./session.ts";

const texts = textTable({
  en: {
    title: "This device",
    meter: "Known to evaluators as",
    supplier: "Supplier",
    since: "Enrolled",
    kept: "The browser keeps this",
    persistent: "until you clear it",
    fleeting: "as long as it has space; allow it to store data for this page to be sure",
    lead: "The key is held by the browser, which uses it for this page and gives it to nobody, not even to this page. Orders, receipts and results are kept beside it, in clear. Whoever can use this browser as you can read them.",
    downloads: "Copies for you",
    csv: "Download history (CSV)",
    json: "Download everything (JSON)",
    lost: "If you clear the browser's data or lose the device, ask for another code, and have this one revoked under the name above.",
  },
  de: {
    title: "Dieses Gerät",
    meter: "Auswertern bekannt als",
    supplier: "Lieferant",
    since: "Angemeldet",
    kept: "Der Browser behält das",
    persistent: "bis Sie es löschen",
    fleeting:
      "solange er Platz hat; erlauben Sie ihm, für diese Seite Daten zu speichern, um sicherzugehen",
    lead: "Der Schlüssel liegt beim Browser, der ihn für diese Seite verwendet und niemandem gibt, auch dieser Seite nicht. Aufträge, Quittungen und Ergebnisse liegen im Klartext daneben. Wer diesen Browser wie Sie benutzen kann, kann sie lesen.",
    downloads: "Kopien für Sie",
    csv: "Verlauf herunterladen (CSV)",
    json: "Alles herunterladen (JSON)",
    lost: "Wenn Sie die Browserdaten löschen oder das Gerät verlieren, bitten Sie um einen neuen Code und lassen Sie dieses unter dem obigen Namen sperren.",
  },
});

export function DevicePage() {
  const t = texts();
  const isPersistent = useSignal(false);
  useEffect(() => {
    void navigator.storage.persisted?.().then((persisted) => {
      isPersistent.value = persisted;
    });
  }, [isPersistent]);
  const own = identity.value!.enrolled!;
  const document = market.value!;
  const save = async (kind: "csv" | "json") => {
    const all = await exportHistory();
    if (all === undefined) return;
    const text = kind === "csv" ? historyCsv(all, document) : jsonText(all);
    download(
      `hushwatt-${document.id}.${kind}`,
      text,
      kind === "csv" ? "text/csv" : "application/json",
    );
  };
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.lead}</p>
      <dl class="pairs card">
        <dt>{t.meter}</dt>
        <dd>
          <code>meter-{own.meter}</code>
        </dd>
        <dt>{t.supplier}</dt>
        <dd>{document.suppliers[own.supplier]}</dd>
        <dt>{t.since}</dt>
        <dd>
          {dayText(own.atMs / 1000)}, {clockText(own.atMs / 1000)}
        </dd>
        <dt>{t.kept}</dt>
        <dd>{isPersistent.value ? t.persistent : t.fleeting}</dd>
      </dl>
      <h2>{t.downloads}</h2>
      <p class="actions">
        <button type="button" class="button quiet" onClick={() => void save("csv")}>
          {t.csv}
        </button>
        <button type="button" class="button quiet" onClick={() => void save("json")}>
          {t.json}
        </button>
      </p>
      <p class="quiet-text">{t.lost}</p>
    </>
  );
}

/** Exact amounts as text. */
const jsonText = (all: unknown): string =>
  JSON.stringify(all, (_, value) => (typeof value === "bigint" ? String(value) : value), 1);
