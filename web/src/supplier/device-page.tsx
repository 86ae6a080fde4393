// Which device this is, and how it is revoked or forgotten.
import { useSignal } from "@preact/signals";
import { clockText, longDayText } from "../i18n/format.ts";
import { engine, market } from "../market/feed.ts";
import { forget, identity } from "./session.ts";
import { supplierTexts } from "./texts.ts";

export function DevicePage() {
  const t = supplierTexts();
  const isAsked = useSignal(false);
  const document = market.value!;
  const { supplier, certificatePem, atMs } = identity.value!.enrolled!;
  const { serial, endsMs } = engine.value!.certificateFacts(certificatePem);
  const command = `hushwatt revoke supplier-${supplier} --certificate ${serial}`;
  return (
    <>
      <h1>{t.deviceTitle}</h1>
      <p class="lead">{t.deviceLead}</p>
      <dl class="pairs card">
        <dt>{t.supplier}</dt>
        <dd>{document.suppliers[supplier]}</dd>
        <dt>{t.serial}</dt>
        <dd>
          <code data-serial={serial}>{serial}</code>
        </dd>
        <dt>{t.validUntil}</dt>
        <dd>{longDayText(endsMs / 1000)}</dd>
        <dt>{t.since}</dt>
        <dd>
          {longDayText(atMs / 1000)}, {clockText(atMs / 1000)}
        </dd>
      </dl>
      <p>{t.lost(command)}</p>
      <p class="actions">
        <button type="button" class="button quiet" onClick={() => (isAsked.value = true)}>
          {t.forget}
        </button>
        {isAsked.value && (
          <button type="button" class="button" onClick={() => void forget()}>
            {t.forgetAgain}
          </button>
        )}
      </p>
      <p class="quiet-text">{t.forgetLead}</p>
    </>
  );
}
