// Text for a terminal: tables, wrapped paragraphs, and amounts in units that suit them. Returns strings.

const NARROWEST_NAME = 8;

/** Rows under a heading, columns two spaces apart; names are clipped where `width` is short. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
  width: number,
): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, k) => all.reduce((w, row) => Math.max(w, lengthOf(row[k] ?? "")), 0));
  // Names are in the first and the last column; the others are numbers, which must stay whole.
  const last = align.at(-1) === "left" ? widths.length - 1 : 0;
  for (const k of new Set([last, 0])) {
    const excess = widths.reduce((sum, w) => sum + w + 2, 0) - width;
    if (excess > 0) widths[k] = Math.max(NARROWEST_NAME, (widths[k] ?? 0) - excess);
  }
  return all.map((row) => {
    const cells = row.map((cell, k) => padded(cell, widths[k] ?? 0, align[k] ?? "left"));
    return `  ${cells.join("  ")}`.trimEnd();
  });
}

function padded(cell: string, width: number, align: "left" | "right"): string {
  const text = clipped(cell, width);
  const space = " ".repeat(Math.max(0, width - lengthOf(text)));
  return align === "left" ? text + space : space + text;
}

export function clipped(text: string, width: number): string {
  return lengthOf(text) <= width ? text : `${[...text].slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** Characters, not UTF-16 code units. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = " ";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > width && line.trim() !== "") {
      lines.push(line);
      line = " ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

export function bytes(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} MB`;
  return count >= 1000 ? `${(count / 1000).toFixed(1)} kB` : counted(count, "byte");
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
