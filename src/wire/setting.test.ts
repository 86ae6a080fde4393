// Settings: what is filled in, and what cannot be.
import { describe, expect, it } from "vitest";
import {
  activeCount,
  completeSetting,
  type SettingChoice,
  settingProblem,
  toleratesCrashes,
} from "./setting.ts";
import { settingSchema } from "./setting-schema.ts";

describe("a setting", () => {
  it.each<[SettingChoice, object, number, boolean]>([
    [{ engine: "replicated" }, { parties: 3, threshold: 1, security: "semi-honest" }, 3, false],
    [{ engine: "shamir" }, { parties: 3, threshold: 1, security: "semi-honest" }, 3, false],
    [{ engine: "shamir", parties: 4 }, { threshold: 1 }, 3, true],
    [{ engine: "shamir", parties: 5 }, { threshold: 2 }, 5, false],
    [{ engine: "shamir", parties: 5, threshold: 1 }, { threshold: 1 }, 3, true],
    [{ engine: "shamir", parties: 16 }, { threshold: 7 }, 15, true],
    [{ engine: "dealer" }, { parties: 2, threshold: 1, security: "malicious" }, 2, false],
    [{ engine: "dealer", parties: 4 }, { threshold: 3, security: "malicious" }, 4, false],
  ])("%j is completed", (choice, filledIn, active, tolerant) => {
    const setting = completeSetting(choice);
    const open = { algorithm: "descent", priorityOrder: "public" };
    expect(setting).toMatchObject({ ...open, ...choice, ...filledIn });
    expect(settingProblem(setting)).toBeNull();
    expect(settingSchema.parse(setting)).toEqual(setting);
    expect([activeCount(setting), toleratesCrashes(setting)]).toEqual([active, tolerant]);
  });

  it.each<[SettingChoice, string, RegExp]>([
    [{ engine: "replicated", parties: 4 }, "parties", /exactly 3 evaluators, not 4/],
    [{ engine: "replicated", threshold: 2 }, "threshold", /must be 1, below one half, not 2/],
    [{ engine: "shamir", parties: 2 }, "parties", /takes 3 to 16 evaluators, not 2/],
    [{ engine: "shamir", parties: 17 }, "parties", /takes 3 to 16 evaluators, not 17/],
    [{ engine: "shamir", parties: 6, threshold: 3 }, "threshold", /from 1 to 2, .* not 3/],
    [{ engine: "shamir", parties: 5, threshold: 0 }, "threshold", /from 1 to 2, .* not 0/],
    [{ engine: "dealer", parties: 1 }, "parties", /takes 2 to 16 evaluators, not 1/],
    [{ engine: "dealer", parties: 3, threshold: 1 }, "threshold", /all evaluators but one/],
    [{ engine: "dealer", security: "semi-honest" }, "security", /is malicious/],
  ])("%j contradicts itself", (choice, field, message) => {
    const setting = completeSetting(choice);
    expect(settingProblem(setting)).toMatchObject({
      field,
      message: expect.stringMatching(message),
    });
    expect(settingSchema.safeParse(setting).success).toBe(false);
  });
});
