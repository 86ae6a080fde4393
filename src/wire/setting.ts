// The security setting of a clearing: which engine computes, for how many evaluators, how many of them may turn
// against the market, and by which algorithm. Chosen by whoever runs the market and known to everybody.
export const ENGINES = ["replicated", "shamir", "dealer"] as const;
export const SECURITY_LEVELS = ["semi-honest", "malicious"] as const;
export const ALGORITHMS = ["descent", "sort"] as const;
export const PRIORITY_ORDERS = ["public", "hidden"] as const;

/** Evaluators of one market at most: who is there is agreed on as a set of 16 bits. */
export const MAX_PARTIES = 16;

export interface Setting {
  readonly engine: (typeof ENGINES)[number];
  /** How many evaluators the market has. */
  readonly parties: number;
  /** How many of them may pool what they know, or lie with `malicious` security, without harm. */
  readonly threshold: number;
  readonly security: (typeof SECURITY_LEVELS)[number];
  readonly algorithm: (typeof ALGORITHMS)[number];
  readonly priorityOrder: (typeof PRIORITY_ORDERS)[number];
}

/** A setting of which everything but the engine may be left open. */
export type SettingChoice = Pick<Setting, "engine"> & {
  readonly [field in Exclude<keyof Setting, "engine">]?: Setting[field] | undefined;
};

export interface SettingProblem {
  readonly field: keyof Setting;
  readonly message: string;
}

const LEAST_PARTIES = { replicated: 3, shamir: 3, dealer: 2 } as const;

/** Fills in what was left open. The result may contradict itself: see `settingProblem`. */
export function completeSetting(choice: SettingChoice): Setting {
  const { engine } = choice;
  const parties = choice.parties ?? LEAST_PARTIES[engine];
  return {
    engine,
    parties,
    threshold: choice.threshold ?? (engine === "dealer" ? parties - 1 : (parties - 1) >> 1),
    security: choice.security ?? (engine === "dealer" ? "malicious" : "semi-honest"),
    algorithm: choice.algorithm ?? "descent",
    priorityOrder: choice.priorityOrder ?? "public",
  };
}

/** The first thing in a setting that cannot be, and what would be right; null where there is none. */
export function settingProblem(setting: Setting): SettingProblem | null {
  const { engine, parties, threshold } = setting;
  const least = LEAST_PARTIES[engine];
  if (engine === "replicated" && parties !== least) {
    const message = `replicated sharing is for exactly 3 evaluators, not ${parties}; take shamir`;
    return { field: "parties", message };
  }
  if (parties < least || parties > MAX_PARTIES) {
    const message = `the engine ${engine} takes ${least} to ${MAX_PARTIES} evaluators, not ${parties}`;
    return { field: "parties", message };
  }
  if (engine === "dealer") return dealerProblem(setting);
  const most = (parties - 1) >> 1;
  if (threshold < 1 || threshold > most) {
    const range = most === 1 ? "1" : `from 1 to ${most}`;
    const message = `with ${parties} evaluators it must be ${range}, below one half, not ${threshold}`;
    return { field: "threshold", message };
  }
  return null;
}

function dealerProblem({ parties, threshold, security }: Setting): SettingProblem | null {
  if (threshold !== parties - 1) {
    const message = "the engine dealer has none to choose: it withstands all evaluators but one";
    return { field: "threshold", message };
  }
  if (security !== "malicious") {
    const message = "the engine dealer always notices lies: its security is malicious";
    return { field: "security", message };
  }
  return null;
}

/** How many evaluators compute; more than that stand by for those that fail. */
export const activeCount = ({ engine, parties, threshold }: Setting): number =>
  engine === "shamir" ? 2 * threshold + 1 : parties;

/** Whether a clearing goes on when an evaluator fails. */
export const toleratesCrashes = (setting: Setting): boolean =>
  activeCount(setting) < setting.parties;
