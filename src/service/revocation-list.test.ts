// The list of revoked certificates followed from a file and from a real server over HTTPS that moves forth and back,
// goes away, and comes again as somebody else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createAuthority, issueIdentity } from "../crypto/certificates.ts";
import type { Party } from "../crypto/party.ts";
import { PartyVerifier } from "../crypto/party-verifier.ts";
import { readServiceConfig } from "../evaluator/service-config.ts";
import { systemClock } from "../platform/clock.ts";
import { keptRevocations } from "./kept-revocations.ts";
import { followRevocations } from "./revocation-list.ts";

const authority = await createAuthority("Rosenweg");
const REGISTRAR: Party = { role: "registrar", id: "0" };
const meter = await issueIdentity(authority, { role: "meter", id: "1" });
const pemBody = meter.certificatePem.replace(/-----[^-]+-----|\s/g, "");
const der = new Uint8Array(Buffer.from(pemBody, "base64"));

const temporaryFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "hushwatt-revocations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

function listOf(number: number, serials: readonly string[]): Promise<string> {
  const nowMs = systemClock.utcMs();
  const revoked = serials.map((serial) => ({ serial, revokedMs: nowMs }));
  return authority.signRevocations({
    number,
    revoked,
    thisUpdateMs: nowMs,
    nextUpdateMs: nowMs + 3600_000,
  });
}

async function serve(answer: () => string | null, party = REGISTRAR, port = 0) {
  const { privateKeyPem: key, certificatePem: cert } = await issueIdentity(authority, party);
  const server: Server = createServer({ key, cert }, (_, response) => {
    const text = answer();
    response.writeHead(text === null ? 500 : 200).end(text ?? "");
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(() => void stop());
  return { port: (server.address() as AddressInfo).port, stop };
}

function following(source: string, keptFile = join(temporaryFolder(), "kept.pem")) {
  const verifier = new PartyVerifier(authority.certificatePem);
  const lines: string[] = [];
  const write =
    (level: string) =>
    (...args: unknown[]) =>
      void lines.push(`${level} ${args.map(String).join(" ")}`);
  const log = { info: write("info"), warn: write("warn"), error: write("error") };
  const followed = followRevocations({
    source,
    kept: keptRevocations(keptFile, authority.certificatePem),
    authorityPem: authority.certificatePem,
    verifier,
    clock: systemClock,
    log,
    everyMs: 20,
  });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const isRevoked = () => {
    try {
      verifier.check(der, systemClock.utcMs());
      return false;
    } catch (error) {
      expect(String(error)).toContain("was revoked");
      return true;
    }
  };
  return { ...followed, signal: stop.signal, lines, isRevoked };
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

describe("a list at the registrar", () => {
  const serial = new PartyVerifier(authority.certificatePem).check(der, systemClock.utcMs()).serial;

  it("is followed, and stays in force when the registrar is gone, wrong, or somebody else", async () => {
    let list: string | null = await listOf(1, []);
    const registrar = await serve(() => list);
    const url = `https://127.0.0.1:${registrar.port}/v1/revocations`;
    const { start, follow, signal, lines, isRevoked } = following(url);
    await start();
    expect(isRevoked()).toBe(false);
    follow(signal);
    list = await listOf(2, [serial]);
    await soon(() => expect(isRevoked()).toBe(true));
    list = await listOf(1, []);
    await soon(() => expect(lines.join()).toContain("lower than the last one's 2"));
    list = "nonsense";
    await soon(() => expect(lines.join()).toContain("no list of revoked certificates"));
    list = null;
    await soon(() => expect(lines.join()).toContain("the registrar answers 500"));
    await registrar.stop();
    await soon(() => expect(lines.join()).toContain("nobody listens there"));
    expect(isRevoked()).toBe(true);
    list = await listOf(3, []);
    const impostor = await serve(() => list, { role: "evaluator", id: "0" }, registrar.port);
    await soon(() =>
      expect(lines.join()).toContain("the certificate there is that of evaluator-0"),
    );
    expect(isRevoked()).toBe(true);
    await impostor.stop();
    await serve(() => list, REGISTRAR, registrar.port);
    await soon(() => expect(isRevoked()).toBe(false));
  });

  it("may be out of reach at the start: that is said, and it is read later", async () => {
    const { port, stop } = await serve(() => null);
    await stop();
    const { start, follow, signal, lines, isRevoked } = following(`https://127.0.0.1:${port}/x`);
    await start();
    expect(lines).toEqual([expect.stringMatching(/^warn .*nobody listens there.*nobody counts/)]);
    follow(signal);
    const list = await listOf(1, [serial]);
    await serve(() => list, REGISTRAR, port);
    await soon(() => expect(isRevoked()).toBe(true));
    expect(lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  it("is kept for the next start: in force while the registrar is away, and never a lower one", async () => {
    const kept = join(temporaryFolder(), "kept.pem");
    const old = await listOf(6, []);
    let list = await listOf(7, [serial]);
    const registrar = await serve(() => list);
    const url = `https://127.0.0.1:${registrar.port}/x`;
    await following(url, kept).start();
    expect(readFileSync(kept, "utf8")).toBe(list);
    await registrar.stop();

    const { start, follow, signal, lines, isRevoked } = following(url, kept);
    await start();
    expect(isRevoked()).toBe(true);
    expect(lines.join("\n")).toMatch(/warn .*nobody listens there.*list 7, kept from before/);
    list = old;
    await serve(() => list, REGISTRAR, registrar.port);
    follow(signal);
    await soon(() =>
      expect(lines.join()).toContain("has the number 6, lower than the last one's 7"),
    );
    expect(isRevoked()).toBe(true);
    // Nor does another process of the same evaluator, that has seen less, put an older one in its place.
    await keptRevocations(kept, authority.certificatePem).keep(old, 6);
    list = await listOf(8, []);
    await soon(() => {
      expect(readFileSync(kept, "utf8")).toBe(list);
      expect(isRevoked()).toBe(false);
    });
  });

  it("that was kept damaged, or cannot be kept, is said; the current one is in force all the same", async () => {
    const list = await listOf(3, [serial]);
    const { port } = await serve(() => list);
    const url = `https://127.0.0.1:${port}/x`;
    const damaged = join(temporaryFolder(), "kept.pem");
    writeFileSync(damaged, list.slice(0, 200));
    const one = following(url, damaged);
    await one.start();
    expect(one.lines[0]).toMatch(/^warn .*kept\.pem: this is no list.*replaces it/);
    expect(one.isRevoked()).toBe(true);
    expect(readFileSync(damaged, "utf8")).toBe(list);

    const nowhere = following(url, join(temporaryFolder(), "missing", "kept.pem"));
    await nowhere.start();
    expect(nowhere.lines.join()).toContain("the list 3 is in force but not kept");
    expect(nowhere.isRevoked()).toBe(true);
  });

  it("in a file is not taken back after a restart either", async () => {
    const [folder, older, newer] = [temporaryFolder(), await listOf(1, []), await listOf(2, [])];
    const [file, kept] = [join(folder, "revocations.pem"), join(folder, "kept.pem")];
    writeFileSync(file, newer);
    await following(file, kept).start();
    writeFileSync(file, older);
    await expect(following(file, kept).start()).rejects.toThrow("lower than the last one's 2");
  });

  it("in a file must be there at the start", async () => {
    const file = join(temporaryFolder(), "revocations.pem");
    await expect(following(file).start()).rejects.toThrow(`cannot read the list`);
    writeFileSync(file, await listOf(1, [serial]));
    const { start, isRevoked } = following(file);
    await start();
    expect(isRevoked()).toBe(true);
  });
});

it("a configuration names a file beside it, or an address over HTTPS", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "evaluator-0.json");
  const at = { host: "127.0.0.1", port: 0 };
  const configured = async (revocations: string) => {
    const others = { market: "m", index: 0, identity: "i", http: at, peers: at };
    writeFileSync(file, JSON.stringify({ ...others, database: "sqlite:x", revocations }));
    return (await readServiceConfig(file)).revocations;
  };
  expect(await configured("list.pem")).toBe(join(folder, "list.pem"));
  const url = "https://registrar.example:7600/v1/revocations";
  expect(await configured(url)).toBe(url);
  await expect(configured("http://registrar.example/x")).rejects.toThrow("expected a file or");
});
