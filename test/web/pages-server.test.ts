// The operator's server of the pages: what it allows browsers, how it sends files, and what its API tells; also
// while no evaluator is there.
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startPages } from "../../src/agents/operator/pages-server.ts";
import { parseMarketDocument } from "../../src/market/market-document.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import type { PublicMetrics, PublicStatus } from "../../src/wire/operator-api.ts";
import { completeSetting } from "../../src/wire/setting.ts";

async function served() {
  const folder = mkdtempSync(join(tmpdir(), "pages-server-"));
  const { market } = await setUpLocalMarket(join(folder, "market"), {
    parameters: { suppliers: ["Aurora"] },
    setting: completeSetting({ engine: "replicated" }),
    schedule: { period_s: 900, first_period: "2026-01-01T00:00:00Z" },
    meters: [],
    registrar: true,
    web: true,
  });
  const running = await startPages({ market, listener: { host: "127.0.0.1", port: 0 } });
  onTestFinished(async () => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { market, origin: `http://127.0.0.1:${running.port}`, port: running.port };
}

it("lets pages load nothing from elsewhere, and ask evaluators and the registrar only", async () => {
  const { market, origin } = await served();
  const services = [...market.evaluators.map(({ web }) => web!), market.registrar!.web!];
  for (const path of ["/", "/household", "/household/rule", "/seen", "/nothing", "/api/status"]) {
    const { headers, status } = await fetch(origin + path);
    expect([path, status]).toEqual([path, path === "/nothing" ? 404 : 200]);
    const policy = new Map(
      (headers.get("content-security-policy") ?? "").split("; ").map((part) => {
        const [name, ...values] = part.split(" ");
        return [name, values.join(" ")];
      }),
    );
    expect(policy.get("default-src")).toBe("'none'");
    expect(policy.get("script-src")).toBe("'self' 'wasm-unsafe-eval'");
    expect(policy.get("style-src")).toBe("'self'");
    expect(policy.get("connect-src")).toBe(["'self'", ...services].join(" "));
    expect(policy.get("frame-ancestors")).toBe("'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  }
  const html = await (await fetch(origin)).text();
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|style=|https?:\/\/(?!www\.w3\.org)/);
});

it("sends files compressed, and again only when they have changed", async () => {
  const { origin, port } = await served();
  const html = await (await fetch(origin)).text();
  const [, script] = /src="(\/assets\/main-[^"]+\.js)"/.exec(html) ?? [];
  const got = (headers: Record<string, string>, path: string) =>
    new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; length: number }>(
      (resolve) => {
        request({ host: "127.0.0.1", port, path, headers }, (answer) => {
          let length = 0;
          answer.on("data", (chunk: Buffer) => {
            length += chunk.length;
          });
          answer.on("end", () =>
            resolve({ status: answer.statusCode!, headers: answer.headers, length }),
          );
        }).end();
      },
    );
  const plain = await got({}, script!);
  const small = await got({ "accept-encoding": "gzip, deflate, br" }, script!);
  expect(small.headers["content-encoding"]).toBe("br");
  expect(small.length).toBeLessThan(plain.length / 2);
  expect(small.headers["cache-control"]).toContain("immutable");
  const page = await got({}, "/");
  expect(page.headers["cache-control"]).toBe("no-cache");
  const again = await got({ "if-none-match": String(page.headers.etag) }, "/");
  expect([again.status, again.length]).toEqual([304, 0]);
});

it("tells public data only, and that nobody answers when that is so", async () => {
  const { market, origin } = await served();
  const json = async (path: string) => (await fetch(origin + path)).json();
  const text = await (await fetch(`${origin}/api/market`)).text();
  expect(parseMarketDocument(text)).toEqual(market);
  await expect
    .poll(async () => ((await json("/api/status")) as PublicStatus).checkedMs)
    .not.toBeNull();
  const status = (await json("/api/status?from=0")) as PublicStatus;
  expect(status.periods).toEqual([]);
  expect(status.evaluators.map(({ problem }) => problem?.slice(0, 12))).toEqual(
    Array(3).fill("cannot reach"),
  );
  expect((await json("/api/metrics")) as PublicMetrics).toEqual({
    evaluators: [0, 1, 2].map((evaluator) => ({ evaluator, samples: null })),
  });
  const wrong = await fetch(`${origin}/api/status?from=yesterday`);
  expect(wrong.status).toBe(400);
  expect(wrong.headers.get("content-type")).toBe("application/problem+json");
  expect((await fetch(`${origin}/api/status`, { method: "POST", body: "x" })).status).toBe(404);
  expect((await fetch(`${origin}/../package.json`)).status).toBe(404);
});
