// The listener for browsers: the same routes and the same bounds as the other one, with a certificate of another
// authority or, on this machine, without.
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createAuthority, issueIdentity } from "../../crypto/certificates.ts";
import { ORDER_MEDIA_TYPE } from "../../wire/order-body.ts";
import { METER, orderPath, TestService } from "./http-service.test-helper.ts";

it("answers browsers as everybody else, and tells pages of any origin what they may send", async () => {
  const service = await TestService.start({ web: { host: "127.0.0.1", port: 0 } });
  const origin = `http://127.0.0.1:${service.webPort}`;
  const meter = await service.meter();
  const body = service.body();
  const path = orderPath();
  const asked = await fetch(origin + path, { method: "OPTIONS" });
  expect(asked.status).toBe(204);
  expect(asked.headers.get("access-control-allow-methods")).toContain("PUT");
  expect(asked.headers.get("access-control-allow-headers")).toContain("signature-input");
  const headers = await service.signatureOf(meter, "PUT", path, body);
  const sent = { method: "PUT", headers: { ...headers, "content-type": ORDER_MEDIA_TYPE } };
  const answer = await fetch(origin + path, { ...sent, body: new Uint8Array(body) });
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([201, "*"]);
  expect(await answer.json()).toMatchObject({ receipt: { meter: METER } });
  // One store behind both: the other listener knows it.
  expect((await service.submit(meter, body)).status).toBe(200);
  const unsigned = await fetch(origin + path, { method: "PUT", body: new Uint8Array(body) });
  expect(unsigned.status).toBeGreaterThanOrEqual(400);
});

it("counts the requests of both listeners together", async () => {
  const limits = { signedRequestsAtOnce: 2, signedRequestsPerS: 0.001 };
  const service = await TestService.start({ web: { host: "127.0.0.1", port: 0 }, limits });
  const meter = await service.meter();
  const body = service.body();
  const statuses: number[] = [];
  for (let i = 0; i < 2; i++) {
    const headers = await service.signatureOf(meter, "PUT", orderPath(), body);
    const answer = await fetch(`http://127.0.0.1:${service.webPort}${orderPath()}`, {
      method: "PUT",
      headers: { ...headers, "content-type": ORDER_MEDIA_TYPE },
      body: new Uint8Array(body),
    });
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([201, 200]);
  expect((await service.submit(meter, body)).status).toBe(429);
});

it("shows browsers the certificate that is made for them", async () => {
  const authority = await createAuthority("known to browsers");
  const party = { role: "operator", id: "0" } as const;
  const made = await issueIdentity(authority, party, { hosts: ["127.0.0.1"] });
  const service = await TestService.start({
    web: (folder) => {
      const [certificate, key] = [join(folder, "web.pem"), join(folder, "web-key.pem")];
      writeFileSync(certificate, made.certificatePem);
      writeFileSync(key, made.privateKeyPem);
      return { host: "127.0.0.1", port: 0, certificate, key };
    },
  });
  const statusWith = (ca: string) =>
    new Promise<number | string>((resolve) => {
      const options = { host: "127.0.0.1", port: service.webPort!, path: "/health" };
      const sent = request({ ...options, agent: new Agent({ ca }) }, (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      });
      sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      sent.end();
    });
  expect(await statusWith(authority.certificatePem)).toBe(200);
  expect(await statusWith(service.authority.certificatePem)).not.toBe(200);
});
