// How long certificates are valid unless told otherwise.
export const CERTIFICATE_DAYS = 1095;
