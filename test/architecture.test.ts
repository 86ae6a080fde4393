// Holds the imports of src/ against the table of layers in docs/ARCHITECTURE.md: what a folder may know.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const SRC = join(ROOT, "src");
/** The pages stand beside src, as the last layer. */
const WEB = join(ROOT, "web", "src");

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

interface Layer {
  readonly name: string;
  /** Runs in a browser as well: knows no Node built-in. */
  readonly portable: boolean;
}

/** The table's rows look like: | `field/` | what it does | no | */
function layersOfTheTable(): Layer[] {
  const text = readFileSync(join(ROOT, "docs", "ARCHITECTURE.md"), "utf8");
  const rows = text.matchAll(/^\| `(\w+)\/` \|.*\| (yes|no) \|$/gm);
  return [...rows].map(([, name, node]) => ({ name: name!, portable: node === "no" }));
}

/** Imports and re-exports; each statement begins a line, as the formatter leaves it. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[\w*{][^;"]*?\bfrom\s+)?"([^"]+)"/gm,
  );
  const dynamic = text.matchAll(/\bimport\(\s*"([^"]+)"/g);
  return [
    ...[...statements].map(([, type, specifier]) => ({
      specifier: specifier!,
      typeOnly: type !== undefined,
    })),
    ...[...dynamic].map(([, specifier]) => ({ specifier: specifier!, typeOnly: false })),
  ];
}

const isTest = (file: string) => /\.test(-helper)?\.tsx?$/.test(file);
const layerOf = (file: string) =>
  file.startsWith(WEB) ? "web" : relative(SRC, file).split(/[\\/]/)[0]!;
const shown = (file: string) => relative(ROOT, file).replaceAll("\\", "/");

const layers = layersOfTheTable();
const files = [SRC, WEB]
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((name) => /\.tsx?$/.test(name))
  .sort((a, b) => (a < b ? -1 : 1));
const sources = files.filter((file) => !isTest(file));

/** The files of src/ that `file` imports. */
const neighbours = (file: string, withTypes: boolean): string[] =>
  importsOf(file)
    .filter(({ specifier, typeOnly }) => specifier.startsWith(".") && (withTypes || !typeOnly))
    .map(({ specifier }) => resolve(file, "..", specifier));

const isBuiltIn = ({ specifier }: Import) => specifier.startsWith("node:");

describe("the architecture", () => {
  it("has a table that lists the folders of src, each once", () => {
    const listed = layers.map(({ name }) => name);
    expect(new Set(listed).size).toBe(listed.length);
    const folders = readdirSync(SRC).filter((name) => files.some((file) => layerOf(file) === name));
    expect(new Set(listed)).toEqual(new Set([...folders, "web"]));
    expect(listed.at(-1)).toBe("web");
    for (const name of ["field", "sharing", "mpc", "market", "client", "web"]) {
      expect(layers).toContainEqual({ name, portable: true });
    }
  });

  it("reads imports as they are written", () => {
    const main = importsOf(join(SRC, "evaluator", "main.ts"));
    expect(main).toContainEqual({ specifier: "../crypto/party.ts", typeOnly: true });
    expect(main).toContainEqual({ specifier: "node:util", typeOnly: false });
    const loaded = importsOf(join(SRC, "cli", "commands", "evaluator.ts"));
    expect(loaded).toContainEqual({ specifier: "./run-evaluator.ts", typeOnly: false });
    for (const file of files) {
      // Those that are loaded when they are needed, too, but for text that is code of its own.
      const named =
        readFileSync(file, "utf8").match(
          /^(?:import|export|\}).*\bfrom "|^import "|\bimport\((?!\$\{)/gm,
        ) ?? [];
      expect([shown(file), importsOf(file).length]).toEqual([shown(file), named.length]);
    }
  });

  it("imports existing files of its own folder or of folders above, and nothing outside src and web", () => {
    const places = new Map(layers.map(({ name }, place) => [name, place]));
    const wrong: string[] = [];
    for (const file of sources) {
      for (const target of neighbours(file, true)) {
        const inside = (target.startsWith(SRC) || target.startsWith(WEB)) && existsSync(target);
        const below = places.get(layerOf(target))! > places.get(layerOf(file))!;
        const test = isTest(target);
        if (!inside || below || test) wrong.push(`${shown(file)} imports ${shown(target)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("keeps programs apart: they meet over links only", () => {
    const programs = new Set(["dealer", "evaluator", "registrar", "agents", "sim"]);
    const wrong = sources.flatMap((file) =>
      neighbours(file, true)
        .filter((target) => programs.has(layerOf(file)) && programs.has(layerOf(target)))
        .filter((target) => layerOf(file) !== layerOf(target))
        .map((target) => `${shown(file)} imports ${shown(target)}`),
    );
    expect(wrong).toEqual([]);
  });

  it("lets portable layers run in a browser: no Node built-in, not even through other files", () => {
    const portable = new Set(layers.flatMap(({ name, portable }) => (portable ? name : [])));
    const wrong: string[] = [];
    for (const start of sources.filter((file) => portable.has(layerOf(file)))) {
      const reached = new Set([start]);
      for (const file of reached) {
        const builtIns = importsOf(file).filter(isBuiltIn);
        if (builtIns.length > 0) wrong.push(`${shown(start)} reaches ${shown(file)}`);
        for (const next of neighbours(file, false)) reached.add(next);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("names built-ins with node:, so that none goes unnoticed", () => {
    const packages = Object.keys({
      ...JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies,
    });
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .map(({ specifier }) => specifier)
        .filter((specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:"))
        .filter((specifier) => {
          return !packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
        })
        .map((specifier) => `${shown(file)} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has no cycles among files, those of types included", () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file);
      if (at >= 0) cycles.push([...path.slice(at), file].map(shown).join(" -> "));
      if (at >= 0 || done.has(file)) return;
      for (const next of neighbours(file, true)) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });
});
