// Markets for tests of the registrar: a folder with a new market, which is deleted when the test has ended.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { completeSetting } from "../wire/setting.ts";
import { initMarket, type NewMarket } from "./init-market.ts";
import { Registrar } from "./registrar.ts";

export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "hushwatt-registrar-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const newMarket = (changes: Partial<NewMarket> = {}): NewMarket => ({
  id: "rosenweg",
  parameters: { suppliers: ["Aurora", "Borealis"] },
  setting: completeSetting({ engine: "replicated" }),
  schedule: { period_s: 900, first_period: "2025-06-01T00:00:00Z" },
  evaluators: ["one.example", "127.0.0.1", "::1"].map((host, i) => ({
    name: `evaluator ${i}`,
    http: { host, port: 7400 + i },
    peers: { host, port: 7500 + i },
  })),
  registrar: { host: "127.0.0.1", port: 7600 },
  ...changes,
});

export async function openedMarket(
  changes: Partial<NewMarket> = {},
): Promise<{ readonly folder: string; readonly registrar: Registrar }> {
  const folder = join(temporaryFolder(), "market");
  await initMarket(folder, newMarket(changes));
  const registrar = await Registrar.open(folder);
  onTestFinished(() => registrar.close());
  return { folder, registrar };
}
