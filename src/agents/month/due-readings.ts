// When the readings of a planned month are sent: most at the end of their period, some later, some corrected.
import type { MonthPlan } from "./month-plan.ts";

/** A reading of a household h of the period u, its k-th. */
export interface Due {
  readonly h: number;
  readonly u: number;
  readonly k: number;
  readonly reading: ReturnType<MonthPlan["readings"]>[number];
}

/**
 * By period, what is to be sent at its end, in a list for each household. What would be later is sent with the last
 * one.
 */
export function dueReadings(plan: MonthPlan): Due[][][] {
  const due = Array.from({ length: plan.periods }, (): Due[][] => []);
  const last = plan.periods - 1;
  plan.suppliers.forEach((_, h) => {
    const own = new Map<number, Due[]>();
    for (let u = 0; u <= last; u++) {
      plan.readings(h, u).forEach((reading, k) => {
        const when = Math.min(u + reading.afterPeriods, last);
        const events = own.get(when) ?? [];
        events.push({ h, u, k, reading });
        own.set(when, events);
      });
    }
    for (const [when, events] of own) due[when]!.push(events);
  });
  return due;
}
