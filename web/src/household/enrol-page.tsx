// Enrolment of a household with a one-time code.
import { EnrolForm } from "../market/enrol-form.tsx";
import { enrol } from "./session.ts";
import { householdTexts } from "./texts.ts";

export function EnrolPage() {
  const t = householdTexts();
  return (
    <EnrolForm
      title={t.enrolTitle}
      lead={t.enrolLead}
      kept={t.keptHere}
      enrol={enrol}
      wrongRole={t.wrongRole}
    />
  );
}
