// Listeners for browsers: what may be configured, what is said of files that are none, and that a renewed certificate
// is noticed.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "./clock.ts";
import {
  followWebKeyPair,
  isLoopback,
  readWebKeyPair,
  type WebKeyPair,
  webListenerSchema,
} from "./web-listener.ts";

const KEY_PAIR = await (async () => {
  const { createAuthority, issueIdentity } = await import("../crypto/certificates.ts");
  const authority = await createAuthority("browsers");
  const party = { role: "operator", id: "0" } as const;
  const { certificatePem, privateKeyPem } = await issueIdentity(authority, party);
  return { cert: certificatePem, key: privateKeyPem };
})();

function files() {
  const folder = mkdtempSync(join(tmpdir(), "web-listener-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  writeFileSync(certificate, KEY_PAIR.cert);
  writeFileSync(key, KEY_PAIR.key);
  return { host: "127.0.0.1", port: 0, certificate, key };
}

it.each([
  ["127.0.0.1", true],
  ["127.3.2.1", true],
  ["localhost", true],
  ["::1", true],
  ["0.0.0.0", false],
  ["127.example.org", false],
  ["localhost.example.org", false],
  ["192.168.1.2", false],
  ["::", false],
])("knows whether %s leaves the machine", (host, stays) => {
  expect(isLoopback(host)).toBe(stays);
  expect(webListenerSchema.safeParse({ host, port: 80 }).success).toBe(stays);
  const secured = { host, port: 443, certificate: "c.pem", key: "k.pem" };
  expect(webListenerSchema.safeParse(secured).success).toBe(true);
});

it("says what is missing", () => {
  const open = webListenerSchema.safeParse({ host: "0.0.0.0", port: 80 });
  expect(open.error?.issues[0]?.message).toContain("may only be on a loopback address");
  const half = webListenerSchema.safeParse({ host: "127.0.0.1", port: 80, key: "k.pem" });
  expect(half.error?.issues[0]?.message).toContain("a key its certificate");
});

it("reads a certificate and its key, and says what is wrong with them", async () => {
  const listener = files();
  expect(await readWebKeyPair(listener)).toEqual(KEY_PAIR);
  expect(await readWebKeyPair({ host: "127.0.0.1", port: 80 })).toBeNull();
  const missing = `${listener.key}.not`;
  await expect(readWebKeyPair({ ...listener, key: missing })).rejects.toThrow("no such file");
  writeFileSync(listener.certificate, "nothing of the kind");
  await expect(readWebKeyPair(listener)).rejects.toThrow("no certificate with its key");
});

it("gives a server its renewed certificate, and keeps the old one while the new one is broken", async () => {
  const listener = files();
  const given: WebKeyPair[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  let rounds = 0;
  const clock = {
    ...systemClock,
    sleep: async () => {
      rounds += 1;
      if (rounds === 2) writeFileSync(listener.certificate, "half of a certifi");
      if (rounds === 3) {
        writeFileSync(listener.certificate, KEY_PAIR.cert);
        utimesSync(listener.certificate, 1, 1);
      }
      if (rounds === 4) stop.abort();
    },
  };
  const server = { setSecureContext: (pair: WebKeyPair) => given.push(pair) };
  await followWebKeyPair(listener, server, {
    clock,
    signal: stop.signal,
    onProblem: (message) => problems.push(message),
  });
  expect(given).toEqual([KEY_PAIR]);
  expect(problems).toHaveLength(1);
});
