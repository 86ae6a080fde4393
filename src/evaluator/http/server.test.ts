// The server itself: what it says of paths, methods and broken requests, how it bears slow and oversized ones, and its
// description.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it, onTestFinished } from "vitest";
import { codeOfProblem, problemSchema } from "../../wire/problems.ts";
import { ENDPOINTS, type Endpoint } from "./endpoints.ts";
import {
  orderPath,
  PERIOD,
  periodPath,
  problem,
  type ServiceOptions,
  TestService,
} from "./http-service.test-helper.ts";

async function socketTo(service: TestService, more: object = {}): Promise<TLSSocket> {
  const ca = service.authority.certificatePem;
  const socket = connect({ host: "127.0.0.1", port: service.port, ca, ...more });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}

/** All that arrives until the server ends the connection, and after how many milliseconds. */
async function answerTo(socket: TLSSocket): Promise<{ text: string; afterMs: number }> {
  const startedMs = performance.now();
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, "end");
  return { text, afterMs: performance.now() - startedMs };
}

const ended = (socket: TLSSocket) =>
  new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.resume();
  });

const codeIn = (text: string) =>
  codeOfProblem(problemSchema.parse(JSON.parse(text.slice(text.indexOf("\r\n\r\n")))));

describe("the server", () => {
  it("shows who it is, and speaks TLS 1.3 and HTTP/1.1 only", async () => {
    const service = await TestService.start();
    const socket = await socketTo(service, { ALPNProtocols: ["h2", "http/1.1"] });
    expect([socket.getProtocol(), socket.alpnProtocol]).toEqual(["TLSv1.3", "http/1.1"]);
    expect(socket.getPeerCertificate().subjectaltname).toContain("URI:urn:hushwatt:evaluator:1");
    const old = connect({
      host: "127.0.0.1",
      port: service.port,
      ca: service.authority.certificatePem,
      maxVersion: "TLSv1.2",
    });
    const [error] = await once(old, "error");
    expect(String(error)).toMatch(/protocol version/i);
  });

  it("tells its market, its certificate, and how it is", async () => {
    const service = await TestService.start();
    const market = await service.request("GET", "/v1/market");
    expect(market.text).toBe(service.market.text);
    expect((await service.request("GET", "/v1/identity")).json.certificate).toContain(
      "CERTIFICATE",
    );
    expect((await service.request("GET", "/health")).json).toEqual({ status: "ok" });
    const ready = async () => service.request("GET", "/ready");
    expect((await ready()).json).toEqual({ status: "ready", leading: false, linked: [] });
    service.metrics.leadership.leading(1);
    service.metrics.periods.linked([0, 1, 2]);
    expect((await ready()).json).toEqual({ status: "ready", leading: true, linked: [0, 1, 2] });
    const head = await service.request("HEAD", "/health");
    expect([head.status, head.text]).toEqual([200, ""]);
    await service.store.close();
    const failing = await ready();
    expect(problem(failing)).toEqual(["not-ready", "the store does not answer"]);
    const metrics = (await service.request("GET", "/metrics")).text;
    expect(metrics).toContain('hushwatt_store_errors_total{call="lastDecided"} 1');
    expect(metrics).toContain("hushwatt_linked_evaluators 3");
  });

  it("says nothing of its insides when something fails there, but to its log", async () => {
    const service = await TestService.start();
    await service.store.close();
    const reply = await service.request("GET", periodPath());
    const [code, detail] = problem(reply);
    const id = reply.headers["x-request-id"]!;
    expect([code, detail]).toEqual(["internal", `the request failed here; its number is ${id}`]);
    const log = readFileSync(service.logFile, "utf8").trimEnd().split("\n");
    const line = log.map((text) => JSON.parse(text)).find(({ requestId }) => requestId === id);
    expect(line).toMatchObject({ level: 50, msg: "unexpected error" });
    expect(line.error.message).not.toBe("");
  });

  it("knows its paths and methods", async () => {
    const service = await TestService.start();
    for (const path of ["/", "/v2/market", `${periodPath()}/orders`, "/v1/Market"]) {
      expect(problem(await service.request("GET", path))[0]).toBe("not-found");
    }
    for (const method of ["POST", "DELETE", "GET", "PATCH", "TRACE", "PROPFIND"]) {
      const reply = await service.request(method, orderPath());
      expect([method, problem(reply)[0]]).toEqual([method, "method-not-allowed"]);
      expect(reply.headers.allow).toBe("PUT, OPTIONS");
    }
    const body = Buffer.from("{}");
    const json = { "content-type": "application/json" };
    const posted = await service.request("POST", "/v1/market", json, body);
    expect(problem(posted)[0]).toBe("method-not-allowed");
    expect(posted.headers.allow).toBe("GET, HEAD, OPTIONS");
    expect(problem(await service.request("GET", "/v1/market", json, body))).toEqual([
      "malformed-request",
      "a request with GET has no body",
    ]);
    expect(problem(await service.request("GET", "/v1/periods/%zz"))[0]).toBe("malformed-request");
    const long = `/v1/periods/${"2".repeat(200)}`;
    expect(problem(await service.request("GET", long))[0]).toBe("malformed-request");
  });

  it("lets pages of any origin ask", async () => {
    const service = await TestService.start();
    const asked = await service.request("OPTIONS", orderPath(), {
      origin: "https://page.example",
      "access-control-request-method": "PUT",
    });
    expect(asked.status).toBe(204);
    expect(asked.headers["access-control-allow-methods"]).toBe("PUT, OPTIONS");
    const allowed = asked.headers["access-control-allow-headers"]!.split(", ");
    const body = service.body();
    const meter = await service.meter();
    const signed = await service.signatureOf(meter, "PUT", orderPath(), body);
    for (const name of Object.keys(signed)) expect(allowed).toContain(name);
    const reply = await service.request("PUT", orderPath(), signed, body);
    expect(reply.headers["access-control-allow-origin"]).toBe("*");
    expect(reply.headers["set-cookie"]).toBeUndefined();
  });
});

describe("a request that is none", () => {
  const start = (limits: ServiceOptions["limits"] = {}) => TestService.start({ limits });

  it("is answered as such", async () => {
    const service = await start();
    const refused = async (text: string) => {
      const socket = await socketTo(service);
      socket.write(text);
      return codeIn((await answerTo(socket)).text);
    };
    expect(await refused("hello\r\n\r\n")).toBe("malformed-request");
    expect(await refused("GET /health HTTP/1.1\r\nbad header\r\n\r\n")).toBe("malformed-request");
    expect(await refused("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n")).toBe("method-not-allowed");
    const strange = "GET /health HTTP/1.1\r\nhost: a\r\nexpect: tea\r\n\r\n";
    expect(await refused(strange)).toBe("malformed-request");
    const unnamed = "GET /health HTTP/1.1\r\nconnection: close\r\n\r\n";
    expect(await refused(unnamed)).toBe("malformed-request");
    const headers = `x-long: ${"a".repeat(20_000)}\r\n`;
    expect(await refused(`GET /health HTTP/1.1\r\nhost: a\r\n${headers}\r\n`)).toBe(
      "headers-too-large",
    );
    const metrics = (await service.request("GET", "/metrics")).text;
    expect(metrics).toContain('hushwatt_http_broken_requests_total{problem="headers-too-large"} 1');
  });

  it("is not waited for: neither for its headers nor for its body", async () => {
    const service = await start({ headersMs: 300, requestArrivalMs: 600 });
    const slowHeaders = await socketTo(service);
    slowHeaders.write("PUT /v1/mark");
    const slowBody = await socketTo(service);
    const meter = await service.meter();
    const body = service.body();
    const headers = await service.signatureOf(meter, "PUT", orderPath(), body);
    const lines = Object.entries({ host: "a", ...headers, "content-length": body.length });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    slowBody.write(`PUT ${orderPath()} HTTP/1.1\r\n${head}\r\n`);
    slowBody.write(body.subarray(0, 10));
    const answers = await Promise.all([answerTo(slowHeaders), answerTo(slowBody)]);
    for (const { text, afterMs } of answers) {
      expect(text).toContain("HTTP/1.1 408 ");
      expect(codeIn(text)).toBe("request-timeout");
      expect(afterMs).toBeLessThan(5000);
    }
    expect(await service.store.lastOrder(PERIOD, meter.party.id)).toBeNull();
    // Somebody who sends one byte now and then is no better.
    const dripping = await socketTo(service);
    dripping.on("error", () => {});
    dripping.write("GET /health HTTP/1.1\r\nx-long: ");
    const drip = setInterval(() => dripping.write("a"), 50);
    onTestFinished(() => clearInterval(drip));
    await ended(dripping);
    expect((await service.submit(meter, body)).status).toBe(201);
  });

  it("leaves no trace when it ends before its end", async () => {
    const service = await start();
    const meter = await service.meter();
    const body = service.body();
    const headers = await service.signatureOf(meter, "PUT", orderPath(), body);
    const lines = Object.entries({ host: "a", ...headers, "content-length": body.length });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    for (let i = 0; i < 5; i++) {
      const socket = await socketTo(service);
      socket.write(`PUT ${orderPath()} HTTP/1.1\r\n${head}\r\n`);
      socket.write(body.subarray(0, body.length - 1));
      if (i % 2 === 0) socket.destroy();
      else socket.end();
      await ended(socket);
    }
    expect(await service.store.lastOrder(PERIOD, meter.party.id)).toBeNull();
    expect((await service.submit(meter, body)).status).toBe(201);
    const metrics = (await service.request("GET", "/metrics")).text;
    // The one that asks for them.
    expect(metrics).toContain("hushwatt_http_requests_in_flight 1");
    expect(readFileSync(service.logFile, "utf8")).not.toContain("unexpected error");
  });
});

describe("too many requests at a time", () => {
  it("are told to come again", async () => {
    const gate: { open: () => void } = { open: () => {} };
    const storing = new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    const service = await TestService.start({ storing, limits: { requestsInFlight: 1 } });
    const meter = await service.meter();
    // It may come while the other is answered: then it comes again.
    const stored = async () => {
      let reply = await service.submit(meter, service.body());
      while (reply.status === 503) reply = await service.submit(meter, service.body());
      return reply;
    };
    const first = stored();
    let refused = await service.request("GET", "/health");
    while (refused.status === 200) refused = await service.request("GET", "/health");
    expect(problem(refused)).toEqual(["busy", "too many requests are being answered"]);
    gate.open();
    expect((await first).status).toBe(201);
    expect((await service.request("GET", "/health")).status).toBe(200);
  });

  it("are awaited when the service ends, and no new ones taken", async () => {
    const gate: { open: () => void } = { open: () => {} };
    const storing = new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    const service = await TestService.start({ storing });
    const meter = await service.meter();
    expect((await service.request("GET", "/health")).status).toBe(200);
    const first = service.submit(meter, service.body());
    const inFlight = async () =>
      (await service.request("GET", "/metrics")).text.includes("requests_in_flight 2");
    while (!(await inFlight()));
    const closed = service.http.close();
    expect(problem(await service.request("GET", "/health"))).toEqual([
      "busy",
      "this process stops",
    ]);
    gate.open();
    expect((await first).status).toBe(201);
    await closed;
    await expect(service.request("GET", "/health")).rejects.toThrow();
  });
});

describe("the description of the API", () => {
  it("is valid OpenAPI, and names every route", async () => {
    const service = await TestService.start();
    const { json } = await service.request("GET", "/openapi.json");
    const result = await new Validator().validate(json);
    expect(result).toMatchObject({ valid: true });
    const described = Object.entries<Record<string, object>>(json.paths).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes: string[] = [];
    for (const { path } of Object.values<Endpoint>(ENDPOINTS)) {
      const url = path.replace(/\{(\w+)\}/g, ":$1");
      for (const method of ["GET", "PUT", "POST"] as const) {
        // What is said of other methods is that there is no such route.
        const filled = path.replace("{period}", "x").replace("{meter}", "y");
        const { status } = await service.request(method, filled);
        expect(service.http.app.hasRoute({ method, url })).toBe(true);
        if (status !== 405) routes.push(`${method} ${path}`);
      }
    }
    expect(new Set(described)).toEqual(new Set(routes));
    expect(json.paths[ENDPOINTS.putOrder.path].put.responses["409"].description).toContain(
      "`gate-closed`",
    );
  });
});
