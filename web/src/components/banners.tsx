// What is amiss at the moment, in words, and what it means for the person.
import { frameTexts } from "../frame-texts.ts";
import { wholeNumber } from "../i18n/format.ts";
import { locale } from "../i18n/language.ts";
import { feedState, isOnline, silentEvaluators, skewMs, speed } from "../market/feed.ts";

const MINUTE_MS = 60_000;

export function Banners() {
  const t = frameTexts();
  const silent = silentEvaluators.value;
  const names = new Intl.ListFormat(locale.value).format(silent.map(({ name }) => name));
  const state = feedState.value;
  return (
    <>
      {/* Heard when it changes, without interrupting. */}
      <div aria-live="polite">
        {!isOnline.value && <p class="notice bad">{t.offline}</p>}
        {isOnline.value && state === "failed" && <p class="notice bad">{t.failed}</p>}
        {isOnline.value && state === "reconnecting" && <p class="notice warn">{t.reconnecting}</p>}
        {state === "live" && silent.length > 0 && (
          <p class="notice warn">
            {silent.length === 1 ? t.silentOne(names) : t.silentMore(names)}
          </p>
        )}
        {skewMs.value !== 0 && (
          <p class="notice warn">
            {t.skew(t.minutes(wholeNumber(Math.max(1, Math.abs(skewMs.value) / MINUTE_MS))))}
          </p>
        )}
      </div>
      {speed.value > 1 && <p class="notice">{t.rehearsal(wholeNumber(speed.value))}</p>}
    </>
  );
}
