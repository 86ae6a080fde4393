// The arguments of hushwatt evaluator.
import type { Command } from "commander";

export function addEvaluatorCommand(program: Command): void {
  program
    .command("evaluator")
    .description("run an evaluator: take orders and clear periods with the others")
    .requiredOption("--config <file>", "its configuration (hushwatt init writes one)")
    .action(async ({ config }: { config: string }) => {
      const { runEvaluator } = await import("./run-evaluator.ts");
      await runEvaluator(config);
    });
}
