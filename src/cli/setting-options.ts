// The options that choose a setting: who computes a clearing, and against whom it is secure.
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  ALGORITHMS,
  completeSetting,
  ENGINES,
  MAX_PARTIES,
  SECURITY_LEVELS,
  type Setting,
  settingProblem,
} from "../wire/setting.ts";
import { InputError } from "./terminal.ts";

const ENGINE_NAMES = [...ENGINES, "plain"] as const;

export interface SettingOptions {
  readonly engine: (typeof ENGINE_NAMES)[number];
  readonly parties?: number;
  readonly threshold?: number;
  readonly security?: Setting["security"];
  readonly algorithm?: Setting["algorithm"];
}

/** The names of the options, as commander has them. */
export const SETTING_OPTIONS = ["engine", "parties", "threshold", "security", "algorithm"];

export const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  }
  return value;
};

/** Adds the options to a command. */
export function withSettingOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--engine <name>", "what evaluators compute on, or plain: in clear, to compare")
        .choices(ENGINE_NAMES)
        .default("replicated"),
    )
    .option("--parties <n>", "evaluators (3; dealer: 2)", wholeNumber(1, MAX_PARTIES))
    .option(
      "--threshold <t>",
      "how many may pool their shares (as many as can be)",
      wholeNumber(0, MAX_PARTIES),
    )
    .addOption(
      new Option("--security <level>", "semi-honest, or malicious: lies are noticed").choices(
        SECURITY_LEVELS,
      ),
    )
    .addOption(
      new Option("--algorithm <name>", "descent, or sort as the literature does").choices(
        ALGORITHMS,
      ),
    );
}

/**
 * The setting that the options choose, complete; for the plain engine only its algorithm matters. InputError when
 * options
 * contradict each other.
 */
export function chosenSetting(options: SettingOptions): Setting {
  const { engine, ...choice } = options;
  if (engine === "plain") {
    const { algorithm } = choice;
    const given = (["parties", "threshold", "security"] as const).filter(
      (name) => choice[name] !== undefined,
    );
    if (given.length > 0) {
      const flags = given.map((name) => `--${name}`).join(", ");
      throw new InputError([`${flags}: not with --engine plain, which clears in one process`]);
    }
    return completeSetting({ engine: "replicated", algorithm });
  }
  if (engine === "dealer" && choice.threshold !== undefined) {
    const why = "it withstands all evaluators but one";
    throw new InputError([`--threshold: not with --engine dealer: ${why}`]);
  }
  const setting = completeSetting({ ...choice, engine });
  const problem = settingProblem(setting);
  if (problem !== null) throw new InputError([`--${problem.field}: ${problem.message}`]);
  return setting;
}
