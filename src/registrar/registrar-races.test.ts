// What happens at once or half-way: lists signed and parties enrolled by several registrars of a market at a time, and
// markets and keys whose making was interrupted.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createKeyAndRequest } from "../crypto/certificates.ts";
import { loadAuthority, readRequestAt, writeKeyAndRequest } from "../crypto/identity-files.ts";
import type { Party } from "../crypto/party.ts";
import { readRevocations } from "../crypto/revocations.ts";
import { writeDurably } from "../platform/durable-file.ts";
import { initMarket } from "./init-market.ts";
import { newMarket, openedMarket, temporaryFolder } from "./markets.test-helper.ts";
import { Registrar } from "./registrar.ts";
import { RegistrarError } from "./registrar-error.ts";

const requestOf = async (party: Party | "new-meter") =>
  (await createKeyAndRequest(party)).requestPem;

async function twoRegistrars() {
  const { folder, registrar } = await openedMarket();
  const other = await Registrar.open(folder);
  onTestFinished(() => other.close());
  const list = () =>
    readRevocations(readFileSync(join(folder, "revocations.pem"), "utf8"), registrar.authorityPem);
  return { folder, both: [registrar, other] as const, list };
}

describe("the list of revoked certificates", () => {
  it("has everybody who is revoked, however many sign it at once, and leaves no other file", async () => {
    const { folder, both, list } = await twoRegistrars();
    const parties = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const request = await requestOf("new-meter");
        return (await both[0].enrol(request, "new-meter", { supplier: 0 })).party;
      }),
    );
    const before = readdirSync(folder).sort();
    const revoked = await Promise.all(parties.map((party, i) => both[i % 2]!.revoke(party)));
    await Promise.all(Array.from({ length: 8 }, (_, i) => both[i % 2]!.signRevocations()));
    const { number, serials } = await list();
    expect(serials.size).toBe(8);
    expect(number).toBeGreaterThanOrEqual(Math.max(...revoked.map(({ list }) => list)));
    expect(number).toBe(17);
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("is never replaced by one with a lower number, and goes on from it", async () => {
    const { folder, both, list } = await twoRegistrars();
    const [registrar, other] = both;
    const path = join(folder, "revocations.pem");
    const authority = await loadAuthority(join(folder, "registrar"));
    const times = { thisUpdateMs: 1e12, nextUpdateMs: 2e12 };
    const ahead = await authority.signRevocations({ number: 1000, revoked: [], ...times });
    const late = registrar.signRevocations();
    // As if the registry had been put back to an earlier day, or another process had been faster.
    writeFileSync(path, ahead);
    expect(await late).toBe(1000);
    expect(readFileSync(path, "utf8")).toBe(ahead);
    expect(await other.signRevocations()).toBe(1001);
    expect((await list()).number).toBe(1001);
    writeFileSync(path, "nonsense");
    expect(await registrar.signRevocations()).toBe(1002);
    expect((await list()).number).toBe(1002);
  });
});

describe("enrolment at once", () => {
  it("gives one of several keys the name of a party", async () => {
    const { both } = await twoRegistrars();
    const party = { role: "evaluator", id: "1" } as const;
    const requests = await Promise.all(Array.from({ length: 6 }, () => requestOf(party)));
    const all = await Promise.allSettled(
      requests.map((request, i) => both[i % 2]!.enrol(request, party)),
    );
    expect(all.filter(({ status }) => status === "fulfilled").length).toBe(1);
    for (const one of all) {
      if (one.status === "rejected") expect(one.reason).toBeInstanceOf(RegistrarError);
    }
  });

  it("gives one certificate for one request", async () => {
    const { both } = await twoRegistrars();
    const request = await requestOf("new-meter");
    const issued = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        both[i % 2]!.enrol(request, "new-meter", { supplier: 0 }),
      ),
    );
    expect(new Set(issued.map(({ certificatePem }) => certificatePem)).size).toBe(1);
    expect(both[0].meters).toBe(1);
  });
});

describe("what is made half-way", () => {
  it("is no market: nothing of it stays, and what was there before does", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "revocations.pem"));
    await expect(initMarket(folder, newMarket())).rejects.toThrow("already");
    expect(readdirSync(folder)).toEqual(["revocations.pem"]);
    writeFileSync(join(folder, "notes"), "own");
    let asked = 0;
    const failsLate = {
      ...newMarket(),
      get logLevel(): string {
        asked += 1;
        if (asked > 3) throw new Error("too late");
        return "info";
      },
    };
    const other = temporaryFolder();
    writeFileSync(join(other, "notes"), "own");
    await expect(initMarket(other, failsLate)).rejects.toThrow("too late");
    expect(asked).toBe(4);
    expect(readdirSync(other)).toEqual(["notes"]);
  });

  it("is no key: a request without its key is made anew, with the key", async () => {
    const folder = join(temporaryFolder(), "identity");
    const [first, second, third] = await Promise.all(
      Array.from({ length: 3 }, () => createKeyAndRequest("new-meter")),
    );
    // Where the request cannot be written there is no key either.
    mkdirSync(join(folder, "request.pem"), { recursive: true });
    await expect(writeKeyAndRequest(folder, first!)).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(["request.pem"]);
    rmdirSync(join(folder, "request.pem"));
    expect(readFileSync(await writeKeyAndRequest(folder, first!), "utf8")).toBe(first!.requestPem);
    // As if the command had been killed between the two.
    const half = join(temporaryFolder(), "identity");
    mkdirSync(half);
    writeFileSync(join(half, "request.pem"), first!.requestPem);
    await writeKeyAndRequest(half, second!);
    expect(await readRequestAt(half)).toBe(second!.requestPem);
    expect(readFileSync(join(half, "key.pem"), "utf8")).toBe(second!.privateKeyPem);
    await expect(writeKeyAndRequest(half, third!)).rejects.toThrow("already");
    expect(await readRequestAt(half)).toBe(second!.requestPem);
    for (const name of ["key.pem", "request.pem"]) {
      expect(statSync(join(half, name)).mode & 0o777).toBe(0o600);
    }
  });
});

it("a file that many write at once is that of one of them, whole", async () => {
  const folder = temporaryFolder();
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(texts.map((text) => writeDurably(join(folder, "file"), text)));
  expect(texts).toContain(readFileSync(join(folder, "file"), "utf8"));
  expect(readdirSync(folder)).toEqual(["file"]);
  const exclusive = texts.map((text) =>
    writeDurably(join(folder, "one"), text, { exclusive: true }),
  );
  const all = await Promise.allSettled(exclusive);
  expect(all.filter(({ status }) => status === "fulfilled").length).toBe(1);
  expect(readdirSync(folder).sort()).toEqual(["file", "one"]);
});
