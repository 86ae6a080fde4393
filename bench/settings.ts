// The settings that a benchmark's options combine to.
import { completeSetting, type Setting, settingProblem } from "../src/wire/setting.ts";

export interface SettingOptions {
  readonly engine: readonly Setting["engine"][];
  readonly parties: readonly number[];
  /** Empty: as many as an engine withstands. */
  readonly threshold: readonly number[];
  /** Empty: what an engine has by itself. */
  readonly security: readonly Setting["security"][];
  readonly algorithm: readonly Setting["algorithm"][];
}

/** All settings that the options combine to and that can be; says on stderr which cannot, and why. */
export function settingsOf(options: SettingOptions): Setting[] {
  const thresholds = options.threshold.length > 0 ? options.threshold : [undefined];
  const levels = options.security.length > 0 ? options.security : [undefined];
  const all = options.engine.flatMap((engine) =>
    options.parties.flatMap((parties) =>
      thresholds.flatMap((threshold) =>
        levels.flatMap((security) =>
          options.algorithm.map((algorithm) =>
            completeSetting({ engine, parties, threshold, security, algorithm }),
          ),
        ),
      ),
    ),
  );
  return all.filter((setting) => {
    const problem = settingProblem(setting);
    if (problem === null) return true;
    const { field, message } = problem;
    process.stderr.write(`left out: ${nameOf(setting)}: ${field}: ${message}\n`);
    return false;
  });
}

export const nameOf = ({ engine, parties, threshold, security, algorithm }: Setting) =>
  `${engine} ${parties}/${threshold} ${security} ${algorithm}`;
