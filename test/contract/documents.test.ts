import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { reasons } from "../../src/check.js";
import { kinds } from "../../src/kinds/index.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const examples = readdirSync(`${root}examples`).filter((file) => file.endsWith(".yaml"));

describe.each(kinds.map((kind) => [kind.kind, kind] as const))("what is written about kind %s", (name, kind) => {
  const page = `${root}docs/kinds/${name}.md`;

  it("has a page with room for the generated tables of options and facts", () => {
    expect(existsSync(page)).toBe(true);
    const text = readFileSync(page, "utf8");
    expect(text).toMatch(/<!-- generated:options -->[\s\S]*<!-- \/generated:options -->/);
    expect(text).toMatch(/<!-- generated:facts -->[\s\S]*<!-- \/generated:facts -->/);
  });

  it("maps conditions to reasons in a table that names only reasons there are", () => {
    const said = existsSync(page) ? reasonsInTables(readFileSync(page, "utf8")) : [];
    expect(said.length).toBeGreaterThan(2);
    for (const reason of said) expect(reasons).toContain(reason);
  });

  it("has an example", () => {
    const kindsShown = examples.flatMap((file) => {
      const { checks = [] } = parse(readFileSync(`${root}examples/${file}`, "utf8")) as {
        checks?: { kind?: string }[];
      };
      return checks.map((check) => check.kind);
    });
    expect(kindsShown).toContain(name);
  });

  it("declares defaults that can hold, and thresholds on facts that it has", () => {
    const { intervalMs, timeoutMs, failingIntervalMs, thresholds = {} } = kind.defaults;
    expect(timeoutMs).toBeGreaterThan(0);
    expect(timeoutMs).toBeLessThanOrEqual(intervalMs);
    if (failingIntervalMs !== undefined) expect(failingIntervalMs).toBeLessThanOrEqual(intervalMs);
    for (const fact of Object.keys(thresholds)) expect([...Object.keys(kind.facts), "duration_ms"]).toContain(fact);
  });

  it("declares facts with prose, and metrics of its own whose scale fits the units", () => {
    const scales: Readonly<Record<string, number>> = { "%→1": 0.01, "ms→s": 0.001, "s→s": 1, "By→By": 1 };
    for (const { description, unit, metric } of Object.values(kind.facts)) {
      expect(description).not.toBe("");
      if (!metric) continue;
      expect(metric.name.startsWith(`health.${name}.`), metric.name).toBe(true);
      const expected = scales[`${unit}→${metric.unit}`];
      if (expected !== undefined) expect(metric.scale ?? 1, metric.name).toBe(expected);
    }
  });
});

/** The words in backquotes of the column whose heading is `reason`, in every table that has one. */
function reasonsInTables(text: string): readonly string[] {
  const found: string[] = [];
  let column = -1;
  for (const line of text.split("\n")) {
    const cells = line.trim().startsWith("|") ? splitRow(line) : undefined;
    if (!cells) column = -1;
    else if (column < 0) column = cells.findIndex((cell) => /\breason\b/i.test(cell));
    else for (const [, word] of (cells[column] ?? "").matchAll(/`([^`]+)`/g)) found.push(word ?? "");
  }
  return found;
}

function splitRow(line: string): readonly string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/);
}
