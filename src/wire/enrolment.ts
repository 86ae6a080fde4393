// How a meter, or a further device of a supplier, exchanges a one-time code for its certificate: POST
// /v1/enrolments of the registrar. Whoever has the code proves with a certificate request (PKCS #10) that it has the
// key; the name of the meter is the registrar's choice.
import { z } from "zod";

export const ENROLMENT_PATH = "/v1/enrolments";
/** Where the registrar shows the list of revoked certificates (a CRL in PEM). */
export const REVOCATIONS_PATH = "/v1/revocations";

const pem = (label: string) =>
  z
    .string()
    .regex(new RegExp(`^\\s*-----BEGIN ${label}-----[\\s\\S]+-----END ${label}-----\\s*$`), {
      error: `expected a ${label.toLowerCase()} in PEM`,
    });

export const enrolmentRequestSchema = z.strictObject({
  /** Hyphens, spaces and small letters do not matter. */
  code: z.string().min(1).max(64),
  request: pem("CERTIFICATE REQUEST"),
  /** What the code must be for, so that one for another role is not used up by mistake. */
  role: z.enum(["meter", "supplier"]).default("meter"),
});
export type EnrolmentRequest = z.input<typeof enrolmentRequestSchema>;

export const enrolmentSchema = z.strictObject({
  /** The id of a new meter; the number of a supplier. */
  id: z.string().regex(/^([0-9a-f]{32}|\d{1,3})$/),
  /** The number of the meter's supplier, or of the supplier itself. */
  supplier: z.int().min(0),
  certificate: pem("CERTIFICATE"),
});
export type EnrolmentAnswer = z.infer<typeof enrolmentSchema>;
