// The arguments of hushwatt revoke.
import type { Command } from "commander";
import type { RevokeOptions } from "./run-revoke.ts";

export function addRevokeCommand(program: Command): void {
  program
    .command("revoke")
    .description(
      "as the registrar: revoke a party's certificates, and sign the list of revoked ones",
    )
    .argument(
      "[party]",
      "a meter's id, or as in supplier-0; without it the list is only signed anew",
    )
    .requiredOption("--registry <folder>", "the market's folder")
    .option("--certificate <serial>", "only the one of this serial number, such as a lost device's")
    .action(async (name: string | undefined, options: RevokeOptions) => {
      const { revoke } = await import("./run-revoke.ts");
      await revoke(name, options);
    });
}
