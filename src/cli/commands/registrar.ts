// The arguments of hushwatt registrar.
import type { Command } from "commander";
import { wholeNumber } from "../setting-options.ts";
import type { RegistrarOptions } from "./run-registrar.ts";

export function addRegistrarCommand(program: Command): void {
  program
    .command("registrar")
    .description(
      "run the registrar's service: meters enrol with codes, everybody sees who is revoked",
    )
    .option("--market <folder>", "the market's folder, with registrar.json in it")
    .option("--config <file>", "the same by its file")
    .option("--host <host>", "listen there instead")
    .option("--port <n>", "listen at this port instead", wholeNumber(0, 65_535))
    .action(async (options: RegistrarOptions) => {
      const { runRegistrar } = await import("./run-registrar.ts");
      await runRegistrar(options);
    });
}
