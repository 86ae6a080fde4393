// Checks, each with its result at a glance, and what it means and what was found when it is opened.
import { textTable } from "../i18n/language.ts";

export interface ShownCheck {
  readonly name: string;
  readonly title: string;
  readonly meaning: string;
  readonly ok: boolean;
  /** What was found, in the words of the program. */
  readonly detail: string;
  /** What was signed; null where there is nothing to show. */
  readonly evidence: unknown;
}

const texts = textTable({
  en: {
    holds: "holds",
    fails: "does not hold",
    found: "Found:",
    evidence: "Evidence, as it was signed",
  },
  de: {
    holds: "in Ordnung",
    fails: "nicht in Ordnung",
    found: "Gefunden:",
    evidence: "Beleg, wie er signiert wurde",
  },
});

export function CheckList({ checks }: { readonly checks: readonly ShownCheck[] }) {
  const t = texts();
  return (
    <ul class="checks">
      {checks.map(({ name, title, meaning, ok, detail, evidence }) => (
        <li key={name} data-check={name} data-ok={ok}>
          <details>
            <summary>
              <span class={`mark ${ok ? "good" : "failed"}`} aria-hidden="true">
                {ok ? "✓" : "✗"}
              </span>
              {title}: {ok ? t.holds : t.fails}
            </summary>
            <p>{meaning}</p>
            <p>
              {t.found} <span lang="en">{detail}</span>
            </p>
            {evidence !== null && (
              <>
                <p class="quiet-text">{t.evidence}</p>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
                <section class="hex pre" tabIndex={0} aria-label={`${title}: ${t.evidence}`}>
                  {JSON.stringify(evidence, null, 1)}
                </section>
              </>
            )}
          </details>
        </li>
      ))}
    </ul>
  );
}
