// HTTPS against real servers: who is believed, and what happens to slow, broken and too long answers.
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { type HttpsTransportOptions, httpsTransport } from "../channel/https-transport.ts";
import { createAuthority, type Identity, issueIdentity } from "../crypto/certificates.ts";
import { TransportError } from "../wire/http-transport.ts";
import { fetchTransport } from "./fetch-transport.ts";

const authority = await createAuthority("Rosenweg");
const evaluator = { role: "evaluator", id: "1" } as const;
const identity = await issueIdentity(authority, evaluator);

type Listener = Parameters<typeof createServer>[1];

async function listening<T extends Server | HttpServer>(server: T): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serving = async (listener: Listener, own: Identity = identity): Promise<string> => {
  const { privateKeyPem: key, certificatePem: cert } = own;
  return `https://${await listening(createServer({ key, cert }, listener))}`;
};

function transport(options: Partial<HttpsTransportOptions> = {}) {
  const made = httpsTransport({
    authorityPem: authority.certificatePem,
    server: evaluator,
    ...options,
  });
  onTestFinished(() => made.close());
  return made.send;
}

const get = (url: string) => ({ method: "GET", url: `${url}/x`, headers: {} });

const echo: Listener = (request, response) => {
  const chunks: Uint8Array[] = [];
  request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  request.on("end", () => {
    response.writeHead(201, { "X-Seen": `${request.method} ${request.headers["x-own"]}` });
    response.end(Buffer.concat(chunks).toReversed());
  });
};

describe("HTTPS to an evaluator", () => {
  it("carries requests and answers, many on one connection", async () => {
    const ports = new Set<number | undefined>();
    const url = await serving((request, response) => {
      ports.add(request.socket.remotePort);
      echo(request, response);
    });
    const send = transport();
    for (let i = 0; i < 5; i++) {
      const answer = await send({
        method: "PUT",
        url: `${url}/x`,
        headers: { "x-own": "yes" },
        body: Uint8Array.of(1, 2, i),
      });
      expect(answer.status).toBe(201);
      expect(answer.headers["x-seen"]).toBe("PUT yes");
      expect(answer.body).toEqual(Uint8Array.of(i, 2, 1));
    }
    expect(ports.size).toBe(1);
  });

  it("believes only the evaluator that it should speak to, certified by the market", async () => {
    const other = await issueIdentity(authority, { role: "evaluator", id: "2" });
    await expect(transport()(get(await serving(echo, other)))).rejects.toThrow(
      /cannot reach evaluator-1 at https:.* the certificate there is that of evaluator-2/,
    );
    const meter = await issueIdentity(authority, { role: "meter", id: "1" });
    await expect(transport()(get(await serving(echo, meter)))).rejects.toThrow("of meter-1");
    const stranger = await issueIdentity(await createAuthority("Rosenweg"), evaluator);
    await expect(transport()(get(await serving(echo, stranger)))).rejects.toThrow(
      /is not of the market's authority|signature/,
    );
    const expired = await issueIdentity(authority, evaluator, {
      notBeforeMs: Date.UTC(2020, 0, 1),
      validityDays: 1,
    });
    await expect(transport()(get(await serving(echo, expired)))).rejects.toThrow("has expired");
  });

  it("says that nobody is there, and that an answer is late, too long or torn", async () => {
    const send = transport({ timeoutMs: 200, mostBytes: 1000 });
    await expect(send(get("https://127.0.0.1:1"))).rejects.toThrow("nobody listens there");
    const late = serving(() => {});
    await expect(send(get(await late))).rejects.toThrow("no answer within 0.2 s");
    const lateBody = serving((_, response) => response.write("x"));
    await expect(send(get(await lateBody))).rejects.toThrow("no answer within 0.2 s");
    const long = serving((_, response) => response.end("x".repeat(1001)));
    await expect(send(get(await long))).rejects.toThrow("more than 1000 bytes");
    const torn = serving((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("x", () => response.destroy());
    });
    await expect(send(get(await torn))).rejects.toThrow(TransportError);
  });

  it("sends again when a kept connection has ended meanwhile", async () => {
    let served = 0;
    const url = await serving((request, response) => {
      served += 1;
      if (served === 2) request.socket.destroy();
      else response.end("ok");
    });
    const send = transport();
    expect((await send(get(url))).status).toBe(200);
    expect((await send(get(url))).status).toBe(200);
    expect(served).toBe(3);
  });

  it("stops when it is told to, with the reason given", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const url = await serving(() => abort.abort(reason));
    const { signal } = abort;
    await expect(transport()({ ...get(url), signal })).rejects.toBe(reason);
    await expect(transport()({ ...get(url), signal })).rejects.toBe(reason);
  });
});

describe("HTTP by fetch", () => {
  const plainly = async (listener: Listener) =>
    `http://${await listening(createHttpServer(listener))}`;

  it("carries requests and answers", async () => {
    const send = fetchTransport();
    const body = Uint8Array.of(1, 2, 3);
    const url = `${await plainly(echo)}/x`;
    const answer = await send({ method: "PUT", url, headers: { "x-own": "yes" }, body });
    expect([answer.status, answer.headers["x-seen"]]).toEqual([201, "PUT yes"]);
    expect(answer.body).toEqual(Uint8Array.of(3, 2, 1));
  });

  it("says what went wrong as HTTPS does", async () => {
    const send = fetchTransport({ timeoutMs: 200, mostBytes: 1000 });
    await expect(send(get("http://127.0.0.1:1"))).rejects.toThrow(/cannot reach .*: /);
    await expect(send(get(await plainly(() => {})))).rejects.toThrow("no answer within 0.2 s");
    const long = plainly((_, response) => response.end("x".repeat(1001)));
    await expect(send(get(await long))).rejects.toThrow("more than 1000 bytes");
    const moved = plainly((_, response) => response.writeHead(302, { location: "/y" }).end());
    await expect(send(get(await moved))).rejects.toThrow(TransportError);
    const abort = new AbortController();
    const reason = new Error("enough");
    const waiting = plainly(() => abort.abort(reason));
    const { signal } = abort;
    await expect(send({ ...get(await waiting), signal })).rejects.toBe(reason);
  });
});
