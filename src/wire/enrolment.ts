// How a meter exchanges a one-time code for its certificate: POST /v1/enrolments of the registrar. Whoever has the code
// proves with a certificate request (PKCS #10) that it has the key; the name of the meter is the registrar's choice.
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
});
export type EnrolmentRequest = z.infer<typeof enrolmentRequestSchema>;

export const enrolmentSchema = z.strictObject({
  /** The meter's id. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** The number of its supplier. */
  supplier: z.int().min(0),
  certificate: pem("CERTIFICATE"),
});
export type EnrolmentAnswer = z.infer<typeof enrolmentSchema>;
