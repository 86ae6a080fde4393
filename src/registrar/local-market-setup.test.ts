// A whole market on one machine: everything that its programs read is there, and only what others need is readable.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { supplierOf } from "../crypto/certificates.ts";
import { readIdentity } from "../crypto/identity-files.ts";
import { partyName } from "../crypto/party.ts";
import { parseMarketDocument } from "../market/market-document.ts";
import { completeSetting } from "../wire/setting.ts";
import { setUpLocalMarket } from "./local-market-setup.ts";

it("has a document, configurations, and an identity for each party", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hushwatt-local-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 1 },
    setting: completeSetting({ engine: "shamir", parties: 5, threshold: 1 }),
    schedule: { period_s: 900, first_period: "2025-06-01T00:00:00Z" },
    rehearsal: { real: "2025-06-01T00:00:00Z", market: "2025-06-01T00:00:00Z", speed: 100 },
    meters: [{ supplier: 1 }, { supplier: 0 }, { supplier: 1 }],
    registrar: true,
  });
  expect(parseMarketDocument(readFileSync(files.marketFile, "utf8"))).toEqual(files.market);
  expect(files.market).toMatchObject({
    suppliers: ["Aurora", "Borealis"],
    setting: { parties: 5, threshold: 1 },
    rehearsal: { speed: 100 },
  });
  const ports = files.market.evaluators.flatMap(({ url, peers }) => [
    Number(new URL(url).port),
    peers[0]!.port,
  ]);
  expect(new Set(ports).size).toBe(10);
  const evaluators = files.evaluators.map((file) => JSON.parse(readFileSync(file, "utf8")));
  expect(evaluators.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  const identities = [
    ...evaluators.map(({ identity }) => join(folder, identity)),
    ...files.suppliers,
    ...files.operators,
  ];
  const names = await Promise.all(
    identities.map(async (path) => partyName((await readIdentity(path)).party)),
  );
  const some = (role: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${role}-${i}`);
  expect(names).toEqual([...some("evaluator", 5), ...some("supplier", 2), ...some("operator", 1)]);
  const meters = await Promise.all(files.meters.map(({ identity }) => readIdentity(identity)));
  expect(meters.map(({ party }) => party)).toEqual(
    files.meters.map(({ id }) => ({ role: "meter", id })),
  );
  expect(meters.map(({ certificatePem }) => supplierOf(certificatePem))).toEqual([1, 0, 1]);
  expect(new Set(files.meters.map(({ id }) => id)).size).toBe(3);
  for (const { id } of files.meters) expect(id).toMatch(/^[0-9a-f]{32}$/);
  const open = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const { mode } = statSync(join(folder, name));
    return (mode & 0o077) !== 0;
  });
  const forOthers = ["market.json", "registrar.json", "revocations.pem"];
  expect(open.sort()).toEqual([...some("evaluator", 5).map((x) => `${x}.json`), ...forOthers]);
});
