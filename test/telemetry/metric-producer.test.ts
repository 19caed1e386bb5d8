import type { DataPoint, Histogram } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import type { FactTable } from "../../src/check.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { collect } from "../signals/collected.js";
import { identity, record } from "../signals/records.js";

type Producer = ReturnType<typeof createMetricProducer>;

async function points(producer: Producer, name: string): Promise<readonly DataPoint<unknown>[]> {
  const { resourceMetrics } = await producer.collect();
  const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.filter((m) => m.descriptor.name === name),
  );
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0]?.dataPoints ?? [];
}

const factTable: FactTable = {
  loaded: { type: "boolean", description: "Loaded.", metric: { name: "health.milvus.loaded", unit: "" } },
  free_gb: { type: "number", description: "Free.", metric: { name: "health.milvus.free", unit: "By", scale: 1e9 } },
  collections: {
    type: "list",
    description: "Collections.",
    items: { key: "name", metrics: { rows: { name: "health.milvus.rows", unit: "{row}" } } },
  },
};

describe("the metric producer", () => {
  it("has one family per metric, whatever the number of checks", async () => {
    const counts = new CheckCounts();
    for (const name of ["a", "b", "c"]) counts.checkAdded(identity(name), "healthy");
    expect(await points(createMetricProducer(counts), "health.check.status")).toHaveLength(12);
    expect(await points(createMetricProducer(counts), "health.check.info")).toHaveLength(3);
  });

  it("dates counters from the moment their check was added, and every point to the collection", async () => {
    let nowMs = 1_000;
    const counts = new CheckCounts(() => nowMs);
    nowMs = 5_000;
    counts.checkAdded(identity("db"), "unknown");
    const [point] = await points(createMetricProducer(counts, { now: () => 9_500 }), "health.check.runs");
    expect(point).toMatchObject({ startTime: [5, 0], endTime: [9, 500_000_000] });
    const [missed] = await points(createMetricProducer(counts, { now: () => 9_500 }), "health.scheduler.missed_runs");
    expect(missed).toMatchObject({ startTime: [1, 0] });
  });

  it("begins a counter anew when a check comes back under its name", async () => {
    let nowMs = 1_000;
    const counts = new CheckCounts(() => nowMs);
    const before = identity("db");
    counts.checkAdded(before, "unknown");
    counts.run(record(before));
    counts.checkRemoved(before);
    nowMs = 60_000;
    counts.checkAdded(identity("db"), "unknown");
    const runs = await points(createMetricProducer(counts), "health.check.runs");
    expect(runs.map(({ value, startTime }) => [value, startTime[0]])).toEqual([
      [0, 60],
      [0, 60],
      [0, 60],
    ]);
  });

  it("shows a removed check no more from the next collection on", async () => {
    const counts = new CheckCounts();
    const check = identity("db", { facts: factTable });
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { facts: { loaded: true } }));
    const producer = createMetricProducer(counts);
    expect(Object.keys(await collect(producer))).toContain("health.milvus.loaded");
    counts.checkRemoved(check);
    expect(Object.keys(await collect(producer)).sort()).toEqual(["health.scheduler.missed_runs", "health.status"]);
  });

  it("applies the scale, makes booleans numbers and leaves text and what is no number out", async () => {
    const counts = new CheckCounts();
    const check = identity("db", { facts: factTable });
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { facts: { loaded: false, free_gb: 1.5 } }));
    const collected = await collect(createMetricProducer(counts));
    expect(collected["health.milvus.loaded"]?.points).toMatchObject([{ value: 0 }]);
    expect(collected["health.milvus.free"]?.points).toMatchObject([{ value: 1.5e9 }]);
    counts.run(record(check, { facts: { loaded: "yes", free_gb: Number.NaN } }));
    const next = await collect(createMetricProducer(counts));
    expect(next["health.milvus.loaded"]).toBeUndefined();
    expect(next["health.milvus.free"]).toBeUndefined();
  });

  it("shows no fact that the last run did not bring", async () => {
    const counts = new CheckCounts();
    const check = identity("db", { facts: factTable });
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { facts: { loaded: true } }));
    counts.run(record(check, { outcome: "unhealthy", reason: "dns", facts: {} }));
    expect(Object.keys(await collect(createMetricProducer(counts)))).not.toContain("health.milvus.loaded");
  });

  it("names the rows of a list, each once and at most 50", async () => {
    const counts = new CheckCounts();
    const check = identity("db", { facts: factTable });
    counts.checkAdded(check, "unknown");
    const rows = [
      ...Array.from({ length: 60 }, (_, index) => ({ name: `c${index}`, rows: index })),
      { name: "c0", rows: 99 },
    ];
    counts.run(record(check, { facts: { collections: [{ name: "c0", rows: 7 }, ...rows] } }));
    const found = await points(createMetricProducer(counts), "health.milvus.rows");
    expect(found).toHaveLength(50);
    expect(found.filter(({ attributes }) => attributes["health.check.item"] === "c0")).toMatchObject([{ value: 7 }]);
  });

  it("keeps an item's attribute set as long as the item is there, and no longer", async () => {
    const counts = new CheckCounts();
    const check = identity("db", { facts: factTable });
    counts.checkAdded(check, "unknown");
    const producer = createMetricProducer(counts);
    const attributesOf = async (name: string): Promise<unknown> => {
      counts.run(record(check, { facts: { collections: [{ name, rows: 1 }] } }));
      return (await points(producer, "health.milvus.rows"))[0]?.attributes;
    };
    const first = await attributesOf("a");
    expect(await attributesOf("a")).toBe(first);
    await attributesOf("b");
    expect(await attributesOf("a")).not.toBe(first);
  });

  it("shows at most 50 undeclared facts of an open kind, and a declared one not among them", async () => {
    const counts = new CheckCounts();
    const check = identity("job", {
      kind: "exec",
      hasOpenFacts: true,
      facts: { exit_code: { type: "number", description: "Exit code." } },
    });
    counts.checkAdded(check, "unknown");
    const open = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`f${index}`, index]));
    counts.run(record(check, { facts: { exit_code: 0, text: "x", ...open } }));
    const found = await points(createMetricProducer(counts), "health.exec.value");
    expect(found).toHaveLength(50);
    expect(found.map(({ attributes }) => attributes["health.check.item"])).not.toContain("exit_code");
  });

  it("is not changed by runs after it was collected", async () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.run(record(check));
    const [point] = await points(createMetricProducer(counts), "health.check.duration");
    const before = JSON.stringify((point as DataPoint<Histogram>).value);
    counts.run(record(check));
    expect(JSON.stringify((point as DataPoint<Histogram>).value)).toBe(before);
  });

  it("with delta temporality gives each run once, from where the last collection ended", async () => {
    let nowMs = 1_000;
    const counts = new CheckCounts(() => nowMs);
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    const producer = createMetricProducer(counts, { isDelta: true, now: () => nowMs });
    const healthyRuns = async (): Promise<unknown> => {
      const { resourceMetrics } = await producer.collect();
      const metrics = resourceMetrics.scopeMetrics[0]?.metrics ?? [];
      const of = (name: string): readonly DataPoint<unknown>[] =>
        metrics.find((metric) => metric.descriptor.name === name)?.dataPoints ?? [];
      const [duration] = of("health.check.duration") as readonly DataPoint<Histogram>[];
      return {
        runs: of("health.check.runs")[0]?.value,
        from: of("health.check.runs")[0]?.startTime[0],
        durations: duration?.value.count,
        inBuckets: duration?.value.buckets.counts.reduce((sum, count) => sum + count, 0),
        sum: duration?.value.sum,
      };
    };
    counts.run(record(check, { durationMs: 250 }));
    counts.run(record(check, { durationMs: 250 }));
    nowMs = 2_000;
    expect(await healthyRuns()).toEqual({ runs: 2, from: 1, durations: 2, inBuckets: 2, sum: 0.5 });
    counts.run(record(check, { durationMs: 500 }));
    nowMs = 3_000;
    expect(await healthyRuns()).toEqual({ runs: 1, from: 2, durations: 1, inBuckets: 1, sum: 0.5 });
    nowMs = 4_000;
    expect(await healthyRuns()).toEqual({ runs: 0, from: 3, durations: 0, inBuckets: 0, sum: 0 });
  });
});
