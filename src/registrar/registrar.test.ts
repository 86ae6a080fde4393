// Markets made on disk, parties enrolled and revoked, and what the registrar refuses.
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { createAuthority, createKeyAndRequest, supplierOf } from "../crypto/certificates.ts";
import { installCertificate, readIdentity, writeKeyAndRequest } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Party } from "../crypto/party.ts";
import { PartyVerifier } from "../crypto/party-verifier.ts";
import { readRevocations } from "../crypto/revocations.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { codeHash, newCode } from "./enrolment-codes.ts";
import { initMarket } from "./init-market.ts";
import { newMarket, openedMarket, temporaryFolder } from "./markets.test-helper.ts";
import { Registrar } from "./registrar.ts";

const METER = "new-meter";
const derOf = (pem: string) => new Uint8Array(new X509Certificate(pem).raw);
const newRequest = async (party: Party | "new-meter" = METER) =>
  (await createKeyAndRequest(party)).requestPem;

describe("a new market", () => {
  it("comes with a document, configurations, and secrets for nobody else to read", async () => {
    const { folder, registrar } = await openedMarket();
    expect(registrar.market).toMatchObject({ id: "rosenweg", suppliers: ["Aurora", "Borealis"] });
    expect(registrar.market.evaluators.map(({ url }) => url)).toEqual([
      "https://one.example:7400",
      "https://127.0.0.1:7401",
      "https://[::1]:7402",
    ]);
    expect(registrar.market.registrar?.url).toBe("https://127.0.0.1:7600");
    const config = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
    expect(config("evaluator-0.json")).toEqual({
      market: "market.json",
      index: 0,
      identity: "evaluator-0",
      http: { host: "0.0.0.0", port: 7400 },
      peers: { host: "0.0.0.0", port: 7500 },
      database: "sqlite:evaluator-0.db",
      revocations: "https://127.0.0.1:7600/v1/revocations",
    });
    expect(config("evaluator-2.json").http.host).toBe("::1");
    const own = join(folder, "registrar");
    const paths = [own, ...readdirSync(own, { recursive: true, encoding: "utf8" })].map((name) =>
      name === own ? own : join(own, name),
    );
    expect(paths.length).toBeGreaterThan(6);
    expect(paths.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([]);
    const keys = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      statSync(join(folder, name)).isFile()
        ? readFileSync(join(folder, name), "latin1").includes("PRIVATE KEY")
        : false,
    );
    expect(keys.sort()).toEqual(["registrar/authority-key.pem", "registrar/identity/key.pem"]);
  });

  it("is never made over another, and leaves nothing behind when it cannot be", async () => {
    const { folder } = await openedMarket();
    const before = readFileSync(join(folder, "registrar", "authority-key.pem"), "utf8");
    await expect(initMarket(folder, newMarket())).rejects.toThrow("has a market already");
    expect(readFileSync(join(folder, "registrar", "authority-key.pem"), "utf8")).toBe(before);
    const empty = join(temporaryFolder(), "market");
    const broken = [
      initMarket(empty, newMarket({ parameters: {} })),
      initMarket(empty, newMarket({ id: "No Id" })),
      initMarket(empty, newMarket({ evaluators: newMarket().evaluators.slice(1) })),
      initMarket(empty, newMarket({ parameters: { suppliers: ["Aurora"], prize: 1 } })),
    ];
    const all = await Promise.allSettled(broken);
    expect(all.map(({ status }) => status)).toEqual(all.map(() => "rejected"));
    expect(existsSync(empty)).toBe(false);
  });

  it("is not opened when its authority's key is open to others, another's, or gone", async () => {
    const { folder } = await openedMarket();
    const key = join(folder, "registrar", "authority-key.pem");
    chmodSync(key, 0o640);
    await expect(Registrar.open(folder)).rejects.toThrow("chmod 600");
    chmodSync(key, 0o600);
    const { privateKeyPem } = await createKeyAndRequest(METER);
    writeFileSync(key, privateKeyPem);
    await expect(Registrar.open(folder)).rejects.toThrow("is not that of");
    writeFileSync(key, "nonsense");
    await expect(Registrar.open(folder)).rejects.toThrow("does not hold a private key");
    await expect(Registrar.open(join(folder, "registrar"))).rejects.toThrow("hushwatt init");
  });
});

describe("enrolment", () => {
  it("gives a meter a random name and its supplier, and the same to the same request", async () => {
    const { registrar } = await openedMarket();
    const request = await newRequest();
    const issued = await registrar.enrol(request, METER, { supplier: 1 });
    expect(issued.party.id).toMatch(/^[0-9a-f]{32}$/);
    expect(supplierOf(issued.certificatePem)).toBe(1);
    expect(await registrar.enrol(request, METER, { supplier: 1 })).toEqual(issued);
    const other = await registrar.enrol(await newRequest(), METER, { supplier: 1 });
    expect(other.party.id).not.toBe(issued.party.id);
    expect(registrar.meters).toBe(2);
    await expect(registrar.enrol(request, METER, { supplier: 0 })).rejects.toThrow(
      "is enrolled as",
    );
    await expect(registrar.enrol(await newRequest(), METER)).rejects.toThrow("say which");
  });

  it("makes an identity together with the key, wherever that is", async () => {
    const { registrar } = await openedMarket();
    const party: Party = { role: "evaluator", id: "1" };
    const made = await createKeyAndRequest(party);
    const folder = join(temporaryFolder(), "identity");
    expect(readFileSync(await writeKeyAndRequest(folder, made), "utf8")).toBe(made.requestPem);
    expect(statSync(join(folder, "key.pem")).mode & 0o777).toBe(0o600);
    await expect(writeKeyAndRequest(folder, made)).rejects.toThrow("already");
    await expect(readIdentity(folder)).rejects.toThrow("does not exist");
    const issued = await registrar.enrol(made.requestPem, party);
    const identity = await installCertificate(folder, issued);
    expect(identity).toEqual(await readIdentity(folder));
    expect(identity.party).toEqual(party);
    expect(new X509Certificate(identity.certificatePem).checkIP("127.0.0.1")).toBe("127.0.0.1");
    const other = await registrar.enrol(await newRequest(), METER, { supplier: 0 });
    await expect(installCertificate(folder, other)).rejects.toThrow("is not that of");
  });

  it("refuses parties that the market does not have, and a second key for one", async () => {
    const { registrar } = await openedMarket();
    const enrolled = async (role: Party["role"], id: string, options = {}) => {
      const party: Party = { role, id };
      return registrar.enrol(await newRequest(party), party, options);
    };
    await expect(enrolled("evaluator", "3")).rejects.toThrow("a number from 0 to 2");
    await expect(enrolled("evaluator", "01")).rejects.toThrow("no evaluator 01");
    await expect(enrolled("supplier", "Aurora")).rejects.toThrow("a number from 0 to 1");
    await expect(enrolled("dealer", "0")).rejects.toThrow("has no dealer");
    expect(registrar.supplierNumber("Borealis")).toBe(1);
    expect(() => registrar.supplierNumber("Boreas")).toThrow("there are Aurora, Borealis");
    const first = await enrolled("evaluator", "0");
    await expect(enrolled("evaluator", "0")).rejects.toThrow("--renew");
    const further = await enrolled("evaluator", "0", { renew: true });
    expect(further.certificatePem).not.toBe(first.certificatePem);
    const unknown = { role: "meter", id: "0".repeat(32) } as const;
    await expect(
      registrar.enrol(await newRequest(unknown), unknown, { supplier: 0 }),
    ).rejects.toThrow("leave it out");
    const operator = { role: "operator", id: "me" } as const;
    await expect(registrar.enrol(await newRequest(), operator)).rejects.toThrow("names no party");
    await expect(registrar.enrol("nonsense", operator)).rejects.toThrow("PKCS #10");
  });

  it("renews a meter under its name, with its key or another, for its supplier only", async () => {
    const { registrar } = await openedMarket();
    const request = await newRequest();
    const { party, certificatePem } = await registrar.enrol(request, METER, { supplier: 1 });
    const renew = { supplier: 1, renew: true };
    for (const again of [request, await newRequest()]) {
      const renewed = await registrar.enrol(again, party, renew);
      expect(renewed.party).toEqual(party);
      expect(renewed.certificatePem).not.toBe(certificatePem);
    }
    const elsewhere = registrar.enrol(request, party, { supplier: 0, renew: true });
    await expect(elsewhere).rejects.toThrow("another supplier");
    const { requestPem } = await createKeyAndRequest({ role: "operator", id: "x" });
    await registrar.enrol(requestPem, { role: "operator", id: "x" });
    await expect(registrar.enrol(requestPem, party, renew)).rejects.toThrow("that of operator-x");
    expect(registrar.meters).toBe(1);
  });

  it("of a supplier add a certificate that is revoked by itself", async () => {
    const { registrar } = await openedMarket();
    const party = { role: "supplier", id: "1" } as const;
    await registrar.enrol(await newRequest(party), party);
    const [code, meters] = [
      registrar.createCodes(1, 1, 1, "supplier"),
      registrar.createCodes(1, 1, 1),
    ].flat();
    const request = await newRequest();
    await expect(registrar.redeem(code!, request)).rejects.toMatchObject({ code: "wrong-role" });
    const swapped = registrar.redeem(meters!, request, "supplier");
    await expect(swapped).rejects.toMatchObject({ code: "wrong-role" });
    const issued = await registrar.redeem(code!, request, "supplier");
    expect([issued.party, supplierOf(issued.certificatePem)]).toEqual([party, null]);
    const verifier = new PartyVerifier(registrar.authorityPem);
    const { serial } = verifier.check(derOf(issued.certificatePem), systemClock.utcMs());
    await expect(registrar.revoke(party, "abc")).rejects.toThrow(
      "supplier-1 has no valid certificate abc; it has ",
    );
    expect((await registrar.revoke(party, serial)).certificates).toBe(1);
    // The supplier's program has its own, still.
    expect((await registrar.revoke(party)).certificates).toBe(1);
  });
});

it("does not hand out a certificate that has expired, but renews it", async () => {
  const { folder, registrar } = await openedMarket();
  const request = await newRequest();
  const { party } = await registrar.enrol(request, METER, { supplier: 0, validityDays: 1 });
  const later: Clock = {
    ...systemClock,
    utcMs: () => systemClock.utcMs() + 2 * 24 * 3600_000,
  };
  const reopened = await Registrar.open(folder, later);
  onTestFinished(() => reopened.close());
  await expect(reopened.enrol(request, METER, { supplier: 0 })).rejects.toThrow("has expired");
  expect(reopened.meters).toBe(0);
  const renewed = await reopened.enrol(request, party, { supplier: 0, renew: true });
  expect(renewed.party).toEqual(party);
  expect(reopened.meters).toBe(1);
});

describe("revocation", () => {
  it("is in the signed list from then on, also after a restart, and its key never comes back", async () => {
    const { folder, registrar } = await openedMarket();
    const request = await newRequest();
    const issued = await registrar.enrol(request, METER, { supplier: 0 });
    const other = await registrar.enrol(await newRequest(), METER, { supplier: 0 });
    const verifier = new PartyVerifier(registrar.authorityPem);
    const read = async () => {
      const text = readFileSync(join(folder, "revocations.pem"), "utf8");
      const list = await readRevocations(text, registrar.authorityPem);
      verifier.revoke(list.serials);
      return list;
    };
    const before = await read();
    expect(before.serials.size).toBe(0);
    expect(before.nextUpdateMs).toBeGreaterThan(systemClock.utcMs() + 20 * 24 * 3600_000);
    expect((await registrar.revoke(issued.party)).certificates).toBe(1);
    const after = await read();
    expect([after.serials.size, after.number > before.number]).toEqual([1, true]);
    const check = (pem: string) => verifier.check(derOf(pem), systemClock.utcMs());
    expect(() => check(issued.certificatePem)).toThrow("was revoked");
    expect(check(other.certificatePem).party).toEqual(other.party);
    await expect(registrar.revoke(issued.party)).rejects.toThrow("nothing to revoke");
    await expect(registrar.revoke({ role: "operator", id: "x" })).rejects.toThrow("never enrolled");
    const again = await Registrar.open(folder);
    await expect(again.enrol(request, METER, { supplier: 0 })).rejects.toThrow("was revoked");
    expect(await again.signRevocations()).toBeGreaterThan(after.number);
    again.close();
    expect((await read()).serials).toEqual(after.serials);
  });

  it("and everything else in the registry is added and never changed", async () => {
    const { folder, registrar } = await openedMarket();
    const issued = await registrar.enrol(await newRequest(), METER, { supplier: 0 });
    registrar.createCodes(0, 1, 1);
    await registrar.revoke(issued.party);
    const database = new DatabaseSync(join(folder, "registrar", "registry.db"));
    for (const table of ["enrolments", "revocations", "codes", "lists"]) {
      expect(() => database.exec(`delete from ${table}`)).toThrow("never deleted");
    }
    expect(() => database.exec("update revocations set revoked_ms = 0")).toThrow("never changed");
    database.close();
  });
});

describe("enrolment codes", () => {
  it("are read however they are typed, and kept as hashes", async () => {
    const code = newCode(nodePrimitives);
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
    const hash = codeHash(code, nodePrimitives);
    const typed = ` ${code.toLowerCase().replaceAll("-", " ").replaceAll("1", "l").replaceAll("0", "o")}`;
    expect(codeHash(typed, nodePrimitives)).toBe(hash);
    expect(codeHash(code.slice(1), nodePrimitives)).toBeNull();
    expect(codeHash(`U${code.slice(1)}`, nodePrimitives)).toBeNull();
    const { folder, registrar } = await openedMarket();
    const [stored] = registrar.createCodes(0, 1, 1);
    const files = ["registry.db", "registry.db-wal"];
    const bytes = files
      .map((name) => readFileSync(join(folder, "registrar", name), "latin1"))
      .join();
    expect(bytes).toContain(codeHash(stored!, nodePrimitives));
    expect(bytes).not.toContain(stored!);
    expect(bytes).not.toContain(stored!.replaceAll("-", ""));
  });

  it("expire, work once, and work again for the same key", async () => {
    const { registrar } = await openedMarket();
    const [code, late] = [registrar.createCodes(1, 1, 1), registrar.createCodes(1, 1, -1)].flat();
    const request = await newRequest();
    const refusal = (which: string, pem: string) =>
      registrar.redeem(which, pem).then(
        () => "none",
        (error) => error.code,
      );
    expect(await refusal(late!, request)).toBe("expired-code");
    expect(await refusal(newCode(nodePrimitives), request)).toBe("unknown-code");
    expect(await refusal("short", request)).toBe("unknown-code");
    const named = await newRequest({ role: "meter", id: "f".repeat(32) });
    expect(await refusal(code!, named)).toBe("malformed-request");
    const issued = await registrar.redeem(code!, request);
    expect([issued.supplier, supplierOf(issued.certificatePem)]).toEqual([1, 1]);
    expect(await registrar.redeem(code!, request)).toEqual(issued);
    expect(await refusal(code!, await newRequest())).toBe("used-code");
    const [next] = registrar.createCodes(1, 1, 1);
    expect(await refusal(next!, request)).toBe("malformed-request");
    expect(registrar.meters).toBe(1);
  });
});

it("an authority of the same name is another authority", async () => {
  const { registrar } = await openedMarket();
  const stranger = await createAuthority("rosenweg");
  const pem = await stranger.issue(await newRequest(), { role: "meter", id: "1" });
  const verifier = new PartyVerifier(registrar.authorityPem);
  expect(() => verifier.check(derOf(pem), systemClock.utcMs())).toThrow(
    "not signed by the authority",
  );
});
