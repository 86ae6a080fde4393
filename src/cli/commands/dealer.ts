// The arguments of hushwatt dealer.
import type { Command } from "commander";

export function addDealerCommand(program: Command): void {
  program
    .command("dealer")
    .description(
      "run the dealer of a market: masks of orders and results, and evaluators' randomness",
    )
    .requiredOption(
      "--config <file>",
      "its configuration (hushwatt init --engine dealer writes one)",
    )
    .action(async ({ config }: { config: string }) => {
      const { runDealer } = await import("./run-dealer.ts");
      await runDealer(config);
    });
}
