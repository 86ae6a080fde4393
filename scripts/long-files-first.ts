// The order in which test files begin: those that run markets of real processes, which mostly wait, before those that
// compute. A machine that has never run them has no other way to know.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Longest first. */
const FIRST = [
  "test/service/kills",
  "test/e2e/crash",
  "test/service/settlement-kills",
  "test/web/",
  "test/e2e/start",
  "test/service/",
  "test/adversary/",
  "test/e2e/",
  "src/evaluator/periods/",
  "src/market/",
  "src/mpc/",
];

export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = FIRST.findIndex((part) => moduleId.includes(`/${part}`));
      return place < 0 ? FIRST.length : place;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
