import type { Paint } from "./terminal.js";

export interface Cell {
  readonly text: string;
  readonly color?: Parameters<Paint>[0];
  readonly align?: "right";
}

const gap = "  ";

/** Rows under a heading, columns aligned; the last column is cut where the line ends. */
export function renderTable(
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
  { paint, columns }: { readonly paint: Paint; readonly columns: number },
): string {
  const all = [heading.map((text): Cell => ({ text, color: "dim" })), ...rows];
  const widths = heading.map((_title, index) => Math.max(...all.map((row) => width(row[index]?.text ?? ""))));
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + gap.length, 0);
  return all.map((row) => `${renderRow(row, widths, Math.max(columns - before, 10), paint)}\n`).join("");
}

function renderRow(row: readonly Cell[], widths: readonly number[], lastWidth: number, paint: Paint): string {
  const cells = row.map(({ text, color, align }, index) => {
    const isLast = index === row.length - 1;
    const shown = isLast ? cut(text, lastWidth) : text;
    const padding = " ".repeat(Math.max((widths[index] ?? 0) - width(text), 0));
    const painted = color === undefined ? shown : paint(color, shown);
    if (align === "right") return padding + painted;
    return isLast ? painted : painted + padding;
  });
  return cells.join(gap).trimEnd();
}

/** As much of a text as a line has room for. */
export function cut(text: string, columns: number): string {
  return width(text) <= columns ? text : `${[...text].slice(0, columns - 1).join("")}…`;
}

/** Code points; text with wide or combining characters may be off by a little. */
function width(text: string): number {
  return [...text].length;
}
