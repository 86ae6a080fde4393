// The house rules that a program can check, for all code that is written by hand.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const MOST_LINES = 300;
const MOST_LINES_OF_A_TEST = 500;
const MOST_COLUMNS = 120;

interface Source {
  readonly name: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly isTest: boolean;
}

const sources: Source[] = ["src", "test", "bench", "scripts", "kernels", "bin", "web"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(ROOT, folder, name),
    ),
  )
  .filter((file) => /\.(tsx?|mjs)$/.test(file) && !/\.generated\.ts$|web.dist/.test(file))
  .map((file) => {
    const text = readFileSync(file, "utf8");
    const name = relative(ROOT, file).replaceAll("\\", "/");
    const isTest = /\.test(-helper)?\.tsx?$/.test(name);
    return { name, text, lines: text.trimEnd().split("\n"), isTest };
  });

const inSrc = sources.filter(({ name }) => /^(src|web\/src)\//.test(name));

/** "file:line" of every line that `wrong` holds for. */
const linesWhere = (among: readonly Source[], wrong: (line: string) => boolean): string[] =>
  among.flatMap(({ name, lines }) =>
    lines.flatMap((line, index) => (wrong(line) ? `${name}:${index + 1}` : [])),
  );

/** The same for a pattern in code; comments, which may name what they warn of, do not count. */
const codeWith = (among: readonly Source[], pattern: RegExp): string[] =>
  linesWhere(among, (line) => pattern.test(line.replace(/^\s*(\/\/|\/?\*).*|\s\/\/ .*/, "")));

describe("the code", () => {
  it("is found", () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(inSrc.some(({ isTest }) => isTest)).toBe(true);
  });

  it("comes in files of a readable size", () => {
    const long = sources
      .filter(({ lines, isTest }) => lines.length > (isTest ? MOST_LINES_OF_A_TEST : MOST_LINES))
      .map(({ name, lines }) => `${name}: ${lines.length} lines`);
    expect(long).toEqual([]);
    // Words for people stand in one line, however many there are.
    const isWords = (line: string) => /^\s*(\w+: )?["`].*["`],?$/.test(line);
    const wide = linesWhere(sources, (line) => line.length > MOST_COLUMNS && !isWords(line));
    expect(wide).toEqual([]);
  });

  it("is in kebab-case files that begin by saying what they are", () => {
    const misnamed = sources.filter(
      ({ name }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/.test(basename(name)),
    );
    expect(misnamed.map(({ name }) => name)).toEqual([]);
    const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/\/ \S/.test(text));
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("has no default exports in src", () => {
    expect(codeWith(inSrc, /^export default\b|\bas default\b/)).toEqual([]);
  });

  it("takes time and chance from src/platform only", () => {
    const elsewhere = inSrc.filter(({ name }) => !name.startsWith("src/platform/"));
    const sources = elsewhere.filter(({ isTest }) => !isTest);
    const pattern = /\bDate\.now\b|\bMath\.random\b|\bsetTimeout\b|\bsetInterval\b|\bperformance\./;
    expect(codeWith(sources, pattern)).toEqual([]);
  });

  it("computes without BigInt, but for the reference of the field, and money at the edge", () => {
    // Sums of money exceed what a double holds exactly.
    const exempt = /\/(reference|money|[a-z-]*(bill|settlement|payables)[a-z-]*)\.ts$/;
    const code = inSrc.filter(({ name, isTest }) => !isTest && !exempt.test(name));
    // As a type: in SQL it is the name of 64 bits.
    expect(codeWith(code, /\bBigInt\b|[:<|] ?bigint\b(?!\[)|\b\d[\d_]*n\b/)).toEqual([]);
  });

  it("leaves nothing for later", () => {
    const marks = new RegExp(["TO", "DO|FIX", "ME"].join(""));
    expect(linesWhere(sources, (line) => marks.test(line))).toEqual([]);
  });
});
