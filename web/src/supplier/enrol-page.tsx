// Enrolment of a supplier's browser with a one-time code.
import { EnrolForm } from "../market/enrol-form.tsx";
import { enrol } from "./session.ts";
import { supplierTexts } from "./texts.ts";

export function EnrolPage() {
  const t = supplierTexts();
  return (
    <EnrolForm
      title={t.enrolTitle}
      lead={t.enrolLead}
      kept={t.enrolKept}
      enrol={enrol}
      wrongRole={t.wrongRole}
    />
  );
}
