// A market is made, its parties enrol, one is revoked: the real commands, as people would run them on their machines.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { supplierOf } from "../../src/crypto/certificates.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { partyName } from "../../src/crypto/party.ts";
import { readRevocations } from "../../src/crypto/revocations.ts";
import { parseMarketDocument } from "../../src/market/market-document.ts";
import { ROOT, Workplace } from "./command.test-helper.ts";

const SUPPLIERS = ["--supplier", "Aurora", "--supplier", "Borealis"];
const EVALUATORS = ["--evaluators", "one.example:7400,127.0.0.1:7400:7500,[::1]:7400"];
const REGISTRY = ["--registry", "market"];

/** Runs a command that must succeed; what it says. */
async function done(place: Workplace, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(...args);
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return stdout;
}

/** Runs a command that must refuse its input; what it says. */
async function refused(place: Workplace, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).not.toMatch(/\n\s+at |Error:/);
  return stderr;
}

const init = (place: Workplace, ...more: string[]) =>
  done(place, "init", "market", ...SUPPLIERS, ...EVALUATORS, ...more);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Starts `hushwatt registrar` and resolves when it listens. */
async function startRegistrar(place: Workplace): Promise<{ readonly stop: () => Promise<number> }> {
  const main = join(ROOT, "src", "cli", "main.ts");
  const child = spawn(process.execPath, [main, "registrar", "--market", "market"], {
    cwd: place.folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exit = once(child, "exit");
  const [line] = await once(child.stdout, "data");
  expect(JSON.parse(String(line))).toMatchObject({ listening: { http: expect.any(Number) } });
  const stop = async () => {
    child.kill("SIGTERM");
    const [code] = await exit;
    return code;
  };
  return { stop };
}

describe("enrolment by requests", () => {
  it("leads from a new market to an identity for every kind of party", async () => {
    const place = new Workplace();
    const at = (...names: string[]) => join(place.folder, ...names);
    expect(await init(place, "--name", "Rosenweg Süd", "--period", "5min")).toContain(
      "request evaluator",
    );
    const document = parseMarketDocument(readFileSync(at("market", "market.json"), "utf8"));
    expect(document).toMatchObject({ id: "rosenweg-sud", schedule: { period_s: 300 } });
    expect(document.evaluators.map(({ peers }) => peers[0]!.port)).toEqual([7401, 7500, 7401]);
    const parties = [
      ["evaluator", "2"],
      ["supplier", "1"],
      ["operator", "anna"],
      ["meter"],
      ["meter"],
    ];
    const enrolled = async ([role, ...id]: readonly string[], i: number): Promise<string> => {
      const home = `home-${i}`;
      expect(await done(place, "request", role!, ...id, "--out", home)).toContain("it stays here");
      expect(statSync(at(home, "key.pem")).mode & 0o777).toBe(0o600);
      // Only the request travels, and only the certificates come back.
      const [request, out] = [`${i}.pem`, join(`issued-${i}`, "certificate.pem")];
      writeFileSync(at(request), readFileSync(at(home, "request.pem")));
      mkdirSync(at(`issued-${i}`));
      const supplier = role === "meter" ? ["--supplier", "Borealis"] : [];
      const files = ["--request", request, "--out", out, ...REGISTRY];
      const said = await done(place, "enrol", role!, ...id, ...files, ...supplier);
      expect(said).toContain("go into the folder of its key");
      for (const name of ["certificate.pem", "authority.pem"]) {
        writeFileSync(at(home, name), readFileSync(at(`issued-${i}`, name)));
      }
      const identity = await readIdentity(at(home));
      expect(supplierOf(identity.certificatePem)).toBe(role === "meter" ? 1 : null);
      return partyName(identity.party);
    };
    // Several commands may use the registry at once.
    const names = await Promise.all(parties.map(enrolled));
    expect(names.slice(0, 3)).toEqual(["evaluator-2", "supplier-1", "operator-anna"]);
    expect(names.slice(3).join()).toMatch(/^meter-[0-9a-f]{32},meter-[0-9a-f]{32}$/);
    expect(names[3]).not.toBe(names[4]);
    const said = await done(place, "revoke", names[3]!.slice("meter-".length), ...REGISTRY);
    expect(said).toContain("copy market/revocations.pem to every evaluator");
    const list = readFileSync(at("market", "revocations.pem"), "utf8");
    expect((await readRevocations(list, document.authorityPem)).serials.size).toBe(1);
    expect(await refused(place, "revoke", names[3]!, ...REGISTRY)).toContain("nothing to revoke");
  });

  it("has a dealer make its secret with its key", async () => {
    const place = new Workplace();
    const at = (...names: string[]) => join(place.folder, ...names);
    await done(place, "init", "market", "--local", "--engine", "dealer", ...SUPPLIERS);
    expect(await done(place, "request", "dealer", "--out", "home")).toContain("masks.key");
    const secret = readFileSync(at("home", "masks.key"), "utf8");
    for (const name of ["key.pem", "masks.key"]) {
      expect(statSync(at("home", name)).mode & 0o777).toBe(0o600);
    }
    expect(await refused(place, "request", "dealer", "--out", "home")).toContain("may be in use");
    expect(readFileSync(at("home", "masks.key"), "utf8")).toBe(secret);
    const out = join("home", "certificate.pem");
    await done(
      place,
      "enrol",
      "dealer",
      "--request",
      "home/request.pem",
      "--out",
      out,
      ...REGISTRY,
    );
    expect(partyName((await readIdentity(at("home"))).party)).toBe("dealer-0");
    expect(JSON.parse(readFileSync(at("market", "dealer.json"), "utf8"))).toMatchObject({
      identity: "dealer-0",
      masks: "dealer-0/masks.key",
    });
  });

  it("is refused with what would be right", async () => {
    const place = new Workplace({ "not.pem": "nonsense" });
    await init(place);
    await done(place, "request", "evaluator", "0", "--out", "home");
    const request = ["--request", "home/request.pem", "--out", "c.pem"];
    expect(await refused(place, "request", "evaluator", "0", "--out", "home")).toContain("already");
    expect(await refused(place, "request", "supplier", "Aurora", "--out", "x")).toContain(
      "a number",
    );
    const enrol = (...args: string[]) => refused(place, "enrol", ...args, ...REGISTRY);
    expect(await enrol("supplier", ...request)).toContain("is the request of evaluator-0");
    expect(await enrol("evaluator", "1", ...request)).toContain("not of evaluator-1");
    expect(await enrol("meter", ...request, "--supplier", "Aurora")).toContain("evaluator-0, not");
    const not = ["--request", "not.pem", "--out", "c.pem"];
    expect(await enrol("operator", ...not)).toContain("not.pem is not a PKCS #10 request");
    expect(await enrol("code", "--supplier", "Nobody")).toContain("there are Aurora, Borealis");
    expect(existsSync(join(place.folder, "c.pem"))).toBe(false);
    const elsewhere = ["enrol", "evaluator", ...request, "--registry", "home"];
    expect(await refused(place, ...elsewhere)).toContain("hushwatt init");
    const again = await refused(place, "init", "market", "--local", ...SUPPLIERS);
    expect(again).toContain("has a market already");
    const mistakes: [string, ...string[]][] = [
      ["--dealer HOST:PORT", "--engine", "dealer", ...EVALUATORS],
      ["only with --engine dealer", "--local", "--dealer", "127.0.0.1:9"],
      ["--parties is 4", "--engine", "shamir", "--parties", "4", ...EVALUATORS],
      ["--evaluators HOST:PORT,... or --local"],
      ["small letters", "--local", "--id", "My market"],
      ["unknown field", "--local", "--market", "market/evaluator-0.json"],
    ];
    const said = await Promise.all(
      mistakes.map(([, ...options]) => refused(place, "init", "other", ...SUPPLIERS, ...options)),
    );
    for (const [i, [expected]] of mistakes.entries()) expect(said[i]).toContain(expected);
    expect(existsSync(join(place.folder, "other"))).toBe(false);
  });
});

describe("enrolment by codes", () => {
  it("gets a meter its identity over HTTPS, once for each code, also on a second try", async () => {
    const place = new Workplace();
    const at = (...names: string[]) => join(place.folder, ...names);
    await init(place, "--registrar", `127.0.0.1:${await freePort()}`);
    const codes = ["enrol", "code", "--supplier", "Borealis", "--count", "2", ...REGISTRY];
    const [code, other] = (await done(place, ...codes)).trim().split("\n");
    const market = join("market", "market.json");
    const meter = (home: string, which: string) => [
      ...["request", "meter", "--out", home, "--market", market, "--code", which],
    ];
    const early = await place.run(...meter("home-0", code!));
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("nobody listens")]);
    const registrar = await startRegistrar(place);
    // The key that was made in vain is used now.
    const key = readFileSync(at("home-0", "key.pem"), "utf8");
    const said = await done(place, ...meter("home-0", code!));
    const identity = await readIdentity(at("home-0"));
    expect(identity.privateKeyPem).toBe(key);
    expect(said).toContain(`enrolled as meter ${identity.party.id}, customer of Borealis`);
    expect(supplierOf(identity.certificatePem)).toBe(1);
    await done(place, ...meter("home-0", code!));
    expect(await readIdentity(at("home-0"))).toEqual(identity);
    expect(await refused(place, ...meter("home-1", code!))).toContain("the code was used");
    expect(await refused(place, ...meter("home-1", "0000"))).toContain("no such code");
    await done(place, ...meter("home-1", other!.toLowerCase()));
    expect(await registrar.stop()).toBe(0);
    expect((await readIdentity(at("home-1"))).party.id).not.toBe(identity.party.id);
  });
});
