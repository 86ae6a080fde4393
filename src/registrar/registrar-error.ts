// What the registrar refuses.

/** The registrar refuses; says why, and what would be right. */
export class RegistrarError extends Error {
  override readonly name = "RegistrarError";
}
