import { describe, expect, it } from "vitest";
import { elsewhere } from "../../bench/side-by-side/elsewhere.js";
import type { Figures } from "../../bench/side-by-side/figures.js";
import { goals, judge } from "../../bench/side-by-side/goals.js";
import { chosen, readOptions } from "../../bench/side-by-side/options.js";
import { performancePage } from "../../bench/side-by-side/page.js";
import { type Head, isMarked, parseResults, type Row } from "../../bench/side-by-side/row.js";
import { mostStarts, scenarios } from "../../bench/side-by-side/scenarios.js";
import { tableOf } from "../../bench/side-by-side/table.js";

const head: Head = {
  conditions: { at: "2026-01-02T03:04:05Z", cores: 2, cpu: "a", memoryGb: 8, kernel: "6.1", node: "20.11.0" },
  busyPercent: 10,
  systems: {
    healthspan: { label: "Healthspan", version: "1" },
    "healthspan-node24": { label: "Healthspan, Node 24", version: "1" },
    blackbox: { label: "blackbox", version: "2" },
  },
};

function row(scenario: string, figures: Figures, more: Partial<Row> = {}): Row {
  return { scenario, system: "healthspan", round: 1, at: head.conditions.at, othersPercent: 1, figures, ...more };
}

const judged = (rows: readonly Row[], system = "healthspan") =>
  judge({ head, rows }, system).map(({ goal, limit, reached, isReached }) => [goal.figure, limit, reached, isReached]);

describe("a goal", () => {
  it("is judged by the median of the rounds", () => {
    const rows = [7, 9, 7.5].map((cpuPercent) => row("http-200-1s", { cpuPercent }));
    expect(judged(rows)).toEqual([["cpuPercent", 8, 7.5, true]]);
    expect(
      judged(rows.map((one) => row("tcp-1000-1s", { cpuPercent: 10.5 * (one.figures?.cpuPercent ?? 0) }))),
    ).toEqual([["cpuPercent", 10, 78.75, false]]);
  });

  it("is about what a figure is above another one, where it says so", () => {
    const rows = [row("http-200-1s", { p99: 3 }), row("hanging", { p99: 4.5 })];
    expect(judged(rows)).toContainEqual(["p99", 1, 1.5, false]);
  });

  it("may be a floor", () => {
    expect(judged([row("readyz", { shareOfExpress: 79 })])).toEqual([["shareOfExpress", 80, 79, false]]);
    expect(judged([row("readyz", { shareOfExpress: 300 })])).toEqual([["shareOfExpress", 80, 300, true]]);
  });

  it("is wider under Node 24 where its own HTTP client costs more", () => {
    const system = "healthspan-node24";
    expect(judged([row("http-1000-1s", { cpuPercent: 19 }, { system })], system)).toEqual([
      ["cpuPercent", 20, 19, true],
    ]);
  });

  it("is about a scenario that there is", () => {
    const names = scenarios.map(({ name }) => name);
    const asked = goals.flatMap(({ scenario, above }) => [scenario, ...(above ? [above[0]] : [])]);
    expect(asked.filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => !asked.includes(name))).toEqual([]);
  });
});

it("allows twice the mean rate of starts in 10 ms, and ten at least", () => {
  const load = { kind: "http", timeoutMs: 900 } as const;
  expect(mostStarts([{ ...load, checks: 1_000, intervalMs: 1_000 }])).toBe(20);
  expect(mostStarts([{ ...load, checks: 200, intervalMs: 1_000 }])).toBe(10);
});

describe("a row", () => {
  it("is marked when others used more of the machine than was said", () => {
    expect(isMarked(row("rest", {}, { othersPercent: 10 }), head)).toBe(false);
    expect(isMarked(row("rest", {}, { othersPercent: 10.1 }), head)).toBe(true);
  });

  it("shows in its table how many of its rounds are marked, how many cores it had, and why there is none", () => {
    const rows = [
      row("rest", { rssMb: 70 }, { cores: 2, othersPercent: 40 }),
      row("rest", { rssMb: 72 }, { cores: 2 }),
      { ...row("rest", {}, { system: "blackbox" }), figures: undefined, cannot: "it is gone" },
    ] as readonly Row[];
    const text = tableOf({ name: "rest" }, { head, rows });
    expect(text).toContain("| Healthspan, 2 cores *1 of 2 | 71 (70–72) |");
    expect(text).toContain("blackbox: it is gone.");
  });
});

describe("the page", () => {
  const rows = [
    row("http-200-1s", { cpuPercent: 8 }),
    row("http-200-1s", { cpuPercent: 24 }, { system: "blackbox", othersPercent: 55 }),
  ];
  const page = performancePage(parseResults([head, ...rows].map((line) => JSON.stringify(line)).join("\n")));

  it("begins with ratios, and names what was measured elsewhere", () => {
    expect(page).toContain("| 200 HTTP checks × 1 s | 8.0 % | 3.0 × (24.0 %) | 1.0 × (8.3 %) |");
    expect(page).toContain("Cloudprober 0.14.4, measured elsewhere");
    expect(page.indexOf("## Beside the others")).toBeLessThan(page.indexOf("## Goals"));
  });

  it("says what the machine is worth, by a peer that was measured on another one too", () => {
    const systems = { ...head.systems, cloudprober: { label: "Cloudprober", version: "0.14.4" } };
    const measured = [...rows, row("http-200-1s", { cpuPercent: 16.6 }, { system: "cloudprober" })];
    expect(performancePage({ head: { ...head, systems }, rows: measured })).toContain(
      "| 200 HTTP checks × 1 s | 16.6 % | 8.3 % | 2.0 × |",
    );
    expect(page).not.toContain("on both");
  });

  it("says what else the machine did", () => {
    expect(page).toContain("the 1 of 2 rows that had more than 10 % are marked");
  });

  it("warns of a trial, whose windows were short", () => {
    const trial = (windowSeconds: number) =>
      performancePage({ head, rows: [row("http-200-1s", { cpuPercent: 8 }, { windowSeconds })] });
    expect(trial(6)).toContain("no figures to quote");
    expect(trial(30)).not.toContain("no figures to quote");
  });

  it("says what a load ran for before its window", () => {
    const settled = row("postgres-50-1s", { cpuPercent: 5 }, { windowSeconds: 30, settleSeconds: 120 });
    expect(performancePage({ head, rows: [settled, ...rows] })).toMatch(/^### 50 PostgreSQL .* 120 s and more$/m);
    expect(page).not.toContain("and more");
  });

  it("takes its figures from elsewhere for scenarios that there are", () => {
    const names = scenarios.map(({ name }) => name);
    const said = elsewhere.systems.flatMap(({ figures }) => Object.keys(figures));
    expect(said.length).toBeGreaterThan(10);
    expect(said.filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe("the options", () => {
  it("do not let a part of a run become the page", () => {
    expect(() => readOptions(["--write", "--seconds", "5"])).toThrow("--write takes a whole run");
    expect(readOptions(["--write", "--repeat", "3"]).write).toBe(true);
  });

  it("name what there is when a name is wrong", () => {
    expect(() => chosen(scenarios, "http-200-1s,rst")).toThrow(/nothing is named rst; there are http-200-1s,/);
    expect(chosen(scenarios, "rest").map(({ name }) => name)).toEqual(["rest"]);
  });
});
