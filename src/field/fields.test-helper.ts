// Fields for tests that compute many times in one process. New memory costs more than a small computation on it, so
// the next computation takes over what one has given back; it finds there whatever was left.
import { Field } from "./field.ts";

const free: Field[] = [];

/** The fields of one computation. */
export class Fields {
  private taken: Field[] = [];

  take(): Field {
    const field = free.pop() ?? new Field();
    this.taken.push(field);
    return field;
  }

  /** Voids all vectors. For computations that have ended well: of another one something may still be running. */
  giveBack(): void {
    for (const field of this.taken) field.memory.reset();
    free.push(...this.taken);
    this.taken = [];
  }
}
