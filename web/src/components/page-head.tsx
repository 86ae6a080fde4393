// The head of all pages: which market, its parts, the language.
import { frameTexts } from "../frame-texts.ts";
import { clockText, dayText } from "../i18n/format.ts";
import { chooseLanguage, LANGUAGE_NAMES, LANGUAGES, language } from "../i18n/language.ts";
import { market, nowS, speed } from "../market/feed.ts";
import { followLink, path } from "../router.ts";

const PARTS = ["start", "household", "supplier", "operator", "seen"] as const;

export function PageHead() {
  const t = frameTexts();
  const current = path.value.split("/")[1] || "start";
  return (
    <header>
      <div class="head-line">
        <p class="market-name">{market.value?.parameters.name ?? "Hushwatt"}</p>
        {market.value !== null && (
          <p class="market-time">
            {speed.value > 1 ? `${t.marketTime} ` : ""}
            {dayText(nowS.value)}, {clockText(nowS.value)}
          </p>
        )}
        <fieldset class="languages">
          <legend class="unseen">{t.language}</legend>
          {LANGUAGES.map((one) => (
            <button
              key={one}
              type="button"
              lang={one}
              aria-pressed={language.value === one}
              onClick={() => chooseLanguage(one)}
            >
              {LANGUAGE_NAMES[one]}
            </button>
          ))}
        </fieldset>
      </div>
      <nav aria-label={t.nav}>
        {PARTS.map((part) => (
          <a
            key={part}
            href={part === "start" ? "/" : `/${part}`}
            aria-current={current === part ? "page" : undefined}
            onClick={followLink}
          >
            {t[part]}
          </a>
        ))}
      </nav>
    </header>
  );
}
