// What the options of `hushwatt init` mean, and what is said of those that mean nothing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  addressArgument,
  evaluatorsArgument,
  firstPeriodAfter,
  firstPeriodAt,
  idArgument,
  idFromName,
  localEvaluators,
  newMarketFile,
  periodLengthArgument,
  startArgument,
  webArgument,
  websArgument,
  withWeb,
} from "./new-market-options.ts";
import { InputError } from "./terminal.ts";

describe("addresses for browsers", () => {
  it("are origins, one for each evaluator", () => {
    const webs = websArgument("https://a.example, https://b.example:8445");
    expect(webs).toEqual([{ url: "https://a.example" }, { url: "https://b.example:8445" }]);
    const evaluators = localEvaluators(2);
    expect(withWeb(evaluators, webs).map(({ web }) => web)).toEqual(webs);
    expect(withWeb(evaluators, undefined)).toEqual(evaluators);
    expect(() => withWeb(localEvaluators(3), webs)).toThrow(InputError);
    for (const text of ["a.example", "https://a.example/path", "ftp://a.example", "https://"]) {
      expect(() => webArgument(text)).toThrow("is not https://HOST");
    }
  });
});

describe("addresses", () => {
  it("are names, IPv4 and IPv6, with a port for other evaluators beside that for meters", () => {
    const places = evaluatorsArgument("one.example:7400, 127.0.0.1:7400:7500,[::1]:65534").map(
      ({ http, peers }) => [http.host, http.port, peers.host, peers.port],
    );
    expect(places).toEqual([
      ["one.example", 7400, "one.example", 7401],
      ["127.0.0.1", 7400, "127.0.0.1", 7500],
      ["::1", 65534, "::1", 65535],
    ]);
    expect(addressArgument("[::1]:1")).toEqual({ host: "::1", port: 1 });
  });

  it("are refused without a port, with one that cannot be, and with too many", () => {
    for (const text of ["a", "a:", "a:0", "a:65536", ":1", "::1:80", "a b:1", "https://a:1", ""]) {
      expect(() => evaluatorsArgument(`a:1,${text}`)).toThrow("is not HOST:PORT");
    }
    expect(() => evaluatorsArgument("a:65535")).toThrow("is not HOST:PORT");
    for (const text of ["a:1,a:1", "a:1,a:2", "a:1:1"]) {
      expect(() => evaluatorsArgument(text)).toThrow("only once");
    }
    expect(() => addressArgument("a:1:2")).toThrow("more than one port");
  });

  it("may have the names of evaluators before them", () => {
    const named = evaluatorsArgument("Stadtwerke Süd=a:1, b:1,Verein = X=[::1]:7:9");
    expect(named.map(({ name }) => name)).toEqual(["Stadtwerke Süd", "evaluator 1", "Verein = X"]);
    expect(named[2]).toMatchObject({ http: { host: "::1", port: 7 }, peers: { port: 9 } });
    for (const text of ["=a:1", " =a:1", `${"x".repeat(65)}=a:1`]) {
      expect(() => evaluatorsArgument(text)).toThrow("1 to 64 characters");
    }
    expect(() => evaluatorsArgument("A=a")).toThrow("is not HOST:PORT");
  });

  it("are all different on one machine", () => {
    const ports = localEvaluators(16).flatMap(({ http, peers }) => [http.port, peers.port]);
    expect(new Set(ports).size).toBe(32);
  });
});

describe("periods", () => {
  it("have lengths from a second to an hour", () => {
    const lengths = ["1", "900", "30s", "15min", "1h"].map(periodLengthArgument);
    expect(lengths).toEqual([1, 900, 30, 900, 3600]);
    for (const text of ["0", "2h", "61min", "1d", "-5", "1.5", "min", ""]) {
      expect(() => periodLengthArgument(text)).toThrow("as in 900, 15min or 1h");
    }
  });

  it("begin at multiples of their length", () => {
    const start = startArgument("2025-01-01T00:01:00Z");
    expect(() => firstPeriodAt(start, 900)).toThrow("the next at 2025-01-01T00:15:00Z");
    expect(firstPeriodAt(start, 60)).toBe("2025-01-01T00:01:00Z");
    for (const text of ["tomorrow", "2025-01-01", "2025-13-01T00:00:00Z", "2025-01-01T00:00:00"]) {
      expect(() => startArgument(text)).toThrow("must be UTC");
    }
  });

  it("begin after there was time to set up", () => {
    const now = Date.parse("2025-06-01T12:34:56.789Z");
    expect(firstPeriodAfter(now, 900, true)).toBe("2025-06-01T13:30:00Z");
    expect(firstPeriodAfter(now, 900, false)).toBe("2025-06-03T00:00:00Z");
    expect(Date.parse(firstPeriodAfter(now, 7, false)) % 7_000).toBe(0);
  });
});

describe("names and parameters", () => {
  it("make an id of a name, which an id may be", () => {
    expect(["Rosenweg Süd", "  A--b ", "東京", undefined].map(idFromName)).toEqual([
      "rosenweg-sud",
      "a-b",
      "market",
      "local-market",
    ]);
    expect(idArgument(idFromName("x".repeat(99)))).toHaveLength(40);
    for (const text of ["", "-a", "A", "a b", "x".repeat(49)]) {
      expect(() => idArgument(text)).toThrow("small letters");
    }
  });

  it("come from a file, and from the command line before that", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hushwatt-options-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "market.json");
    writeFileSync(
      file,
      '\uFEFF{"name": "File", "suppliers": ["A"], "energy_bits": 12, "settlement": {"time_zone": "UTC"}}',
    );
    expect(await newMarketFile(file, undefined, ["B"])).toEqual({
      parameters: { name: "File", suppliers: ["B"], energy_bits: 12 },
      settlement: { time_zone: "UTC" },
    });
    expect(await newMarketFile(undefined, "N", undefined)).toEqual({
      parameters: { name: "N" },
    });
    await expect(newMarketFile(`${file}.x`, "N", undefined)).rejects.toThrow("no such file");
    for (const text of ["[]", "null", "{"]) {
      writeFileSync(file, text);
      await expect(newMarketFile(file, "N", undefined)).rejects.toThrow("JSON");
    }
  });
});
