import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FactTable, type FactValue, reasons, statuses, verdicts } from "../../src/check.js";
import { attr } from "../../src/semconv.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { createInstruments } from "../../src/signals/instruments.js";
import type { CheckIdentity, RecordSink } from "../../src/signals/record.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { type Collected, collect, createReader } from "./collected.js";
import { identity, record, without } from "./records.js";

const facts: FactTable = {
  ttfb_ms: {
    type: "number",
    description: "First byte.",
    metric: { name: "health.http.ttfb", unit: "s", scale: 0.001 },
  },
  in_recovery: { type: "boolean", description: "Standby.", metric: { name: "health.http.in_recovery", unit: "" } },
  version: { type: "string", description: "Never a metric." },
  collections: {
    type: "list",
    description: "Entities.",
    items: { key: "name", metrics: { num_entities: { name: "health.http.collection.entities", unit: "{entity}" } } },
  },
};

const checks: readonly CheckIdentity[] = [
  identity("plain"),
  identity("rich", { facts, policy: { critical: true, owner: "team a", runbook: "https://r", labels: { tier: "1" } } }),
  identity("open", {
    kind: "exec",
    hasOpenFacts: true,
    facts: { exit_code: { type: "number", description: "Code." } },
  }),
];

const factValue: fc.Arbitrary<FactValue> = fc.oneof(
  fc.double(),
  fc.boolean(),
  fc.string(),
  fc.array(
    fc.record({
      name: fc.constantFrom("a", "b", "c"),
      num_entities: fc.oneof(fc.nat(), fc.constant(null)),
    }),
    { maxLength: 4 },
  ),
);
const factSet = fc.dictionary(fc.constantFrom(...Object.keys(facts), "exit_code", "queue", "load"), factValue);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      run: fc.nat(2),
      outcome: fc.constantFrom(...verdicts),
      reason: fc.option(fc.constantFrom(...reasons), { nil: undefined }),
      previousStatus: fc.constantFrom(...statuses),
      status: fc.constantFrom(...statuses),
      durationMs: fc.option(fc.double({ min: 0, max: 120_000, noNaN: true }), { nil: undefined }),
      lastSuccessMs: fc.option(fc.nat(), { nil: undefined }),
      facts: factSet,
    }),
  },
  fc.record({ stale: fc.nat(2) }),
  fc.record({ service: fc.constantFrom(...statuses) }),
  fc.record({ orphaned: fc.nat(2) }),
  fc.record({ missed: fc.nat(10) }),
  fc.record({ lag: fc.double({ min: 0, max: 5, noNaN: true }) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function play(steps: readonly Step[], sink: RecordSink): void {
  const check = (index: number): CheckIdentity => checks[index] as CheckIdentity;
  for (const entry of steps) {
    if ("run" in entry) {
      const { run, ...changes } = entry;
      const absent = (["durationMs", "lastSuccessMs", "reason"] as const).filter((key) => changes[key] === undefined);
      const whole = record(check(run), changes as Parameters<typeof record>[1]);
      sink.run(without(whole, ...absent) as typeof whole);
    } else if ("stale" in entry) sink.checkStatus(check(entry.stale), "unknown");
    else if ("service" in entry) sink.serviceStatus(entry.service);
    else if ("orphaned" in entry) sink.orphaned(check(entry.orphaned));
    else if ("missed" in entry) sink.missed(entry.missed);
    else sink.lag(entry.lag);
  }
}

async function collectBoth(steps: readonly Step[], removed?: CheckIdentity): Promise<[Collected, Collected]> {
  const { reader, provider } = createReader();
  const counts = new CheckCounts();
  const ends = [counts, createInstruments(provider.getMeter("healthspan"))];
  for (const end of ends) {
    for (const check of checks) end.checkAdded(check, "unknown");
    play(steps, end);
    if (removed) end.checkRemoved(removed);
  }
  return [await collect(createMetricProducer(counts)), await collect(reader)];
}

describe("one record stream in both ends", () => {
  it("collects to the same metrics, units, descriptions, attributes and values", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const [fromCounts, fromInstruments] = await collectBoth(steps);
        expect(fromCounts).toEqual(fromInstruments);
      }),
      { numRuns: 200 },
    );
  });

  it("shows every metric of the record stream, so that the comparison compares something", async () => {
    const [fromCounts] = await collectBoth([
      {
        run: 1,
        outcome: "healthy",
        previousStatus: "unknown",
        status: "healthy",
        durationMs: 3,
        lastSuccessMs: 9,
        reason: undefined,
        facts: { ttfb_ms: 4, in_recovery: true, collections: [{ name: "a", num_entities: 7 }] },
      },
      {
        run: 2,
        outcome: "healthy",
        previousStatus: "unknown",
        status: "healthy",
        durationMs: 3,
        lastSuccessMs: 9,
        reason: undefined,
        facts: { exit_code: 0, queue: 4 },
      },
      { orphaned: 0 },
      { lag: 0.2 },
    ]);
    expect(Object.keys(fromCounts).sort()).toEqual([
      "health.check.duration",
      "health.check.info",
      "health.check.last_success",
      "health.check.orphaned_runs",
      "health.check.runs",
      "health.check.status",
      "health.check.transitions",
      "health.exec.value",
      "health.http.collection.entities",
      "health.http.in_recovery",
      "health.http.ttfb",
      "health.scheduler.lag",
      "health.scheduler.missed_runs",
      "health.status",
    ]);
    expect(fromCounts["health.http.ttfb"]?.points[0]?.value).toBe(0.004);
    expect(fromCounts["health.exec.value"]?.points).toMatchObject([
      { attributes: { [attr.checkItem]: "queue" }, value: 4 },
    ]);
  });

  it("has no gauge of a removed check in either end", async () => {
    const removed = checks[1] as CheckIdentity;
    for (const collected of await collectBoth([], removed)) {
      const names = collected["health.check.status"]?.points.map((point) => point.attributes[attr.checkName]);
      expect(new Set(names)).toEqual(new Set(["plain", "open"]));
      expect(collected["health.check.info"]?.points).toHaveLength(2);
    }
  });
});
