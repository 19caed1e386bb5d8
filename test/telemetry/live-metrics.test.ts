import { describe, expect, it } from "vitest";
import type { Facts, FactTable } from "../../src/check.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { liveMetrics } from "../../src/telemetry/live-metrics.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { toFamilies } from "../../src/telemetry/prometheus-families.js";
import { writeExposition } from "../../src/telemetry/prometheus-writer.js";
import { identity, record } from "../signals/records.js";
import { render } from "./exposition.js";

const facts: FactTable = {
  lag_ms: { type: "number", description: "Lag", metric: { name: "health.x.lag", unit: "s", scale: 0.001 } },
  is_up: { type: "boolean", description: "Up", metric: { name: "health.x.up", unit: "" } },
  pools: {
    type: "list",
    description: "Pools",
    items: { key: "name", metrics: { used: { name: "health.x.pool.used", unit: "By" } } },
  },
};
const pools = (...names: string[]): Facts => ({ pools: names.map((name, used) => ({ name, used })) });

function someChecks(): CheckCounts {
  const counts = new CheckCounts(() => 1_000);
  counts.agentInfo = { "service.version": "1.0.0" };
  const [plain, rich, open] = [
    identity("plain"),
    { ...identity("rich"), facts },
    { ...identity("open"), facts, hasOpenFacts: true },
  ];
  for (const check of [plain, rich, open]) counts.checkAdded(check, "unknown");
  counts.run(record(plain, { durationMs: 5, lastSuccessMs: 900 }));
  counts.run(record(plain, { outcome: "unhealthy", reason: "timeout", durationMs: 900, lastSuccessMs: 900 }));
  counts.run(record(rich, { facts: { lag_ms: 20, is_up: true, ...pools("a", "b") } }));
  counts.run(record(open, { facts: { lag_ms: 7, other: 3, ...pools("b") } }));
  counts.orphaned(rich);
  counts.lag(0.002);
  counts.missed(2);
  return counts;
}

async function collectedText(counts: CheckCounts): Promise<string> {
  const { resourceMetrics } = await createMetricProducer(counts).collect();
  return (await render(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics))).text;
}

const sorted = (text: string): readonly string[] => text.split("\n").sort();

describe("the metrics of a scrape", () => {
  it("are, line by line, those that a reader of the SDK collects", async () => {
    const counts = someChecks();
    const { text } = await render(counts);
    expect(sorted(text)).toEqual(sorted(await collectedText(counts)));
    expect(text.split("\n").length).toBeGreaterThan(60);
  });

  it("have no family without a point", async () => {
    const counts = new CheckCounts();
    counts.checkAdded({ ...identity("waits"), facts }, "unknown");
    const { text } = await render(counts);
    expect(text).toContain("health_check_status");
    for (const absent of ["health_x", "orphaned", "duration", "last_success"]) expect(text).not.toContain(absent);
  });

  it("have the values of when they are written, and all lines of a check that is removed meanwhile", async () => {
    const counts = someChecks();
    const [plain] = counts.checks();
    const { families } = toFamilies([], await liveMetrics(counts));
    if (plain === undefined) throw new Error("there is no check");
    counts.run(record(plain.check, { durationMs: 5 }));
    counts.checkRemoved(plain.check);
    let text = "";
    for await (const piece of writeExposition({ attributes: {} } as never, families, "text")) text += piece;
    expect(text).toMatch(/health_check_runs_total\{health_check_name="plain",.*"healthy"\} 2\n/);
    expect((await render(counts)).text).not.toContain('"plain"');
  });
});

describe("items of a list", () => {
  it("that are gone for two runs are forgotten, and have new attributes when they come back", async () => {
    const counts = new CheckCounts();
    const check = { ...identity("rich"), facts };
    counts.checkAdded(check, "unknown");
    const attributesOf = async (name: string) => {
      const { resourceMetrics } = await createMetricProducer(counts).collect();
      const points = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.flatMap((m) => [...m.dataPoints]));
      return points.find(({ attributes }) => attributes["health.check.item"] === name)?.attributes;
    };
    const run = (...names: string[]) => counts.run(record(check, { facts: pools(...names) }));
    run("a");
    const first = await attributesOf("a");
    run("a", "b");
    expect(await attributesOf("a")).toBe(first);
    for (const name of ["b", "b"]) {
      run(name);
      await attributesOf(name);
    }
    run("a");
    const again = await attributesOf("a");
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });
});
