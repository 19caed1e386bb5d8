import { describe, expect, it } from "vitest";
import { renderTable } from "../../src/cli/table.js";
import { plain } from "../../src/cli/terminal.js";

const wide = { paint: plain, columns: Number.POSITIVE_INFINITY };

describe("a table", () => {
  it("aligns columns under their heading", () => {
    const rows = [
      [{ text: "database" }, { text: "7 ms", align: "right" as const }, { text: "all is well" }],
      [{ text: "redis" }, { text: "1200 ms", align: "right" as const }, { text: "refused" }],
    ];
    expect(renderTable(["CHECK", "TIME", "FOUND"], rows, wide)).toBe(
      ["CHECK     TIME     FOUND", "database     7 ms  all is well", "redis     1200 ms  refused", ""].join("\n"),
    );
  });

  it("pads what is coloured by its visible width", () => {
    const paint = (_color: string, text: string): string => `<${text}>`;
    const rows = [[{ text: "ok", color: "green" as const }, { text: "x" }]];
    expect(renderTable(["STATUS", "F"], rows, { paint, columns: 80 }).split("\n")[1]).toBe("<ok>      x");
  });

  it("cuts the last column where the terminal ends, and never elsewhere", () => {
    const rows = [[{ text: "database" }, { text: "a".repeat(100) }]];
    const narrow = renderTable(["CHECK", "FOUND"], rows, { paint: plain, columns: 40 }).split("\n")[1] ?? "";
    expect(narrow).toHaveLength(40);
    expect(narrow.endsWith("a…")).toBe(true);
    expect(renderTable(["CHECK", "FOUND"], rows, wide)).toContain("a".repeat(100));
  });
});
