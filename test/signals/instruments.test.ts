import { createNoopMeter } from "@opentelemetry/api";
import { AggregationTemporality } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { durationBoundsSeconds } from "../../src/semconv.js";
import { createInstruments } from "../../src/signals/instruments.js";
import { collect, createReader } from "./collected.js";
import { identity, record } from "./records.js";

describe("instruments of a host's meter", () => {
  it("ask for our own bucket bounds without a View", async () => {
    const { reader, provider } = createReader();
    const sink = createInstruments(provider.getMeter("host"));
    const check = identity("db");
    sink.checkAdded(check, "unknown");
    sink.run(record(check));
    const { points } = (await collect(reader))["health.check.duration"] ?? {};
    expect(points?.[0]?.value).toMatchObject({ bounds: [...durationBoundsSeconds], count: 1, sum: 0.012 });
  });

  it("say what holds at every collection, whatever the temporality", async () => {
    const { reader, provider } = createReader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
    const sink = createInstruments(provider.getMeter("host"));
    const check = identity("db", {
      facts: { rows: { type: "number", description: "Rows.", metric: { name: "health.http.rows", unit: "{row}" } } },
    });
    sink.checkAdded(check, "unknown");
    sink.run(record(check, { facts: { rows: 3 }, lastSuccessMs: 4_000 }));
    sink.serviceStatus("healthy");
    await collect(reader);
    const second = await collect(reader);
    expect(second["health.check.duration"]).toBeUndefined();
    expect(second["health.http.rows"]?.points).toMatchObject([{ value: 3 }]);
    expect(second["health.check.last_success"]?.points).toMatchObject([{ value: 4 }]);
    expect(second["health.check.info"]?.points).toHaveLength(1);
    expect(second["health.check.status"]?.points.filter(({ value }) => value === 1)).toMatchObject([
      { attributes: { "health.check.state": "healthy" } },
    ]);
    expect(second["health.status"]?.points.filter(({ value }) => value === 1)).toMatchObject([
      { attributes: { "health.state": "healthy" } },
    ]);
  });

  it("describe a check by its info: criticality, interval, owner, runbook and labels", async () => {
    const { reader, provider } = createReader();
    const sink = createInstruments(provider.getMeter("host"));
    sink.checkAdded(
      identity("db", {
        policy: { critical: true, intervalMs: 90_000, owner: "payments", runbook: "https://r", labels: { tier: "1" } },
      }),
      "unknown",
    );
    expect((await collect(reader))["health.check.info"]?.points).toEqual([
      {
        attributes: {
          "health.check.critical": true,
          "health.check.interval": "90s",
          "health.check.kind": "http",
          "health.check.label.tier": "1",
          "health.check.name": "db",
          "health.check.owner": "payments",
          "health.check.runbook": "https://r",
        },
        value: 1,
      },
    ]);
  });

  it("are harmless on a meter that records nothing", () => {
    const sink = createInstruments(createNoopMeter());
    const check = identity("db", { hasOpenFacts: true });
    sink.checkAdded(check, "unknown");
    sink.run(record(check, { facts: { queue: 1 } }));
    sink.checkRemoved(check);
  });
});
