// A database that cannot be used; says which one and why.
export class StoreError extends Error {
  override readonly name = "StoreError";
}
