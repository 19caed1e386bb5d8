import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import type { FactTable } from "../../src/check.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { serializeBy } from "../../src/telemetry/exporter-inside.js";
import { createLiveProducer, livePointsOf } from "../../src/telemetry/live-points.js";
import { countPoints, type EncodeMetrics, MetricEncoder } from "../../src/telemetry/metric-encoder.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { identity, record } from "../signals/records.js";

const facts: FactTable = {
  lag_ms: { type: "number", description: "Lag", metric: { name: "health.x.lag", unit: "s", scale: 0.001 } },
  is_up: { type: "boolean", description: "Up", metric: { name: "health.x.up", unit: "" } },
};

function someChecks(): CheckCounts {
  let nowMs = 1_000;
  const counts = new CheckCounts(() => (nowMs += 500));
  for (let index = 0; index < 30; index += 1) {
    const check = { ...identity(`check-${index}`), facts };
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { facts: { lag_ms: index, is_up: true }, durationMs: index, lastSuccessMs: 900 }));
    const failure = { outcome: "unhealthy", reason: "timeout", durationMs: 9_000 } as const;
    if (index % 3 === 0) counts.run(record(check, failure));
  }
  return counts;
}

let stock: EncodeMetrics = () => undefined;
serializeBy<ResourceMetrics>(new OTLPMetricExporter(), (own) => {
  stock = own;
  return own;
});

const resource = resourceFromAttributes({ "service.name": "s" });
const noStock: EncodeMetrics = () => {
  throw new Error("was left to the stock serializer");
};

/** What a reader hands to its exporter, request by request. */
async function pushed(producer: ReturnType<typeof createLiveProducer>, maxExportBatchSize: number) {
  const requests: ResourceMetrics[] = [];
  const exporter = {
    export(metrics: ResourceMetrics, done: (result: { code: number }) => void) {
      requests.push(metrics);
      done({ code: 0 });
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const reader = new PeriodicExportingMetricReader({ exporter, maxExportBatchSize, metricProducers: [producer] });
  const provider = new MeterProvider({ resource, readers: [reader] });
  await provider.shutdown();
  return requests;
}

const atMs = 9_000;

async function encoded(metrics: ResourceMetrics): Promise<string> {
  const encoder = new MetricEncoder(noStock, () => atMs);
  await encoder.prepare(metrics);
  return Buffer.from(encoder.request(metrics) ?? []).toString("latin1");
}

/** Lists in the place of live points, all of one time. */
function lists({ scopeMetrics }: ResourceMetrics): ResourceMetrics {
  const listOf = (metric: MetricData) =>
    (livePointsOf(metric)?.list([9, 0]) ?? metric.dataPoints).map((point) => ({ ...point, endTime: [9, 0] }));
  const scopes = scopeMetrics.map(({ scope, metrics }) => ({
    scope,
    metrics: metrics
      .map((metric) => ({ ...metric, dataPoints: listOf(metric) }))
      .filter(({ dataPoints }) => dataPoints.length > 0),
  }));
  return { resource, scopeMetrics: scopes } as unknown as ResourceMetrics;
}

const ofResource = ({ resourceMetrics }: { resourceMetrics: ResourceMetrics }): ResourceMetrics => ({
  ...resourceMetrics,
  resource,
});

describe("the metrics of a push", () => {
  it("are those that a copy of the counts has", async () => {
    const counts = someChecks();
    const live = lists(ofResource(await createLiveProducer(counts, "1.0.0").collect()));
    const copied = lists(ofResource(await createMetricProducer(counts, { version: "1.0.0" }).collect()));
    expect(Buffer.from(stock(live) ?? []).equals(Buffer.from(stock(copied) ?? []))).toBe(true);
    expect(countPoints(copied)).toBeGreaterThan(400);
  });

  it("are encoded live as their lists are, byte for byte", async () => {
    const live = ofResource(await createLiveProducer(someChecks(), undefined).collect());
    const listed = lists(live);
    expect(await encoded(live)).toBe(Buffer.from(stock(listed) ?? []).toString("latin1"));
    expect(countPoints(live)).toBe(countPoints(listed));
  });

  it("are those of when they are written, and of a check that is removed meanwhile", async () => {
    const counts = someChecks();
    const live = ofResource(await createLiveProducer(counts, undefined).collect());
    const [first] = counts.checks();
    if (first === undefined) throw new Error("there is no check");
    counts.run(record(first.check, { durationMs: 5, lastSuccessMs: 7_000 }));
    counts.checkRemoved(first.check);
    const text = await encoded(live);
    expect(text).toContain("check-0");
    expect(text).toBe(Buffer.from(stock(lists(live)) ?? []).toString("latin1"));
    expect(await encoded(ofResource(await createLiveProducer(counts, undefined).collect()))).not.toMatch(
      /check-0(?!\d)/,
    );
  });

  it("are cut into requests by the SDK's reader, none of them missing or twice", async () => {
    const counts = someChecks();
    const live = ofResource(await createLiveProducer(counts, undefined).collect());
    const whole = await encoded(live);
    const requests = await pushed(createLiveProducer(counts, undefined), 7);
    expect(requests.length).toBeGreaterThan(30);
    const parts = await Promise.all(requests.map(encoded));
    expect(requests.reduce((sum, request) => sum + countPoints(request), 0)).toBe(countPoints(live));
    for (let index = 0; index < 30; index += 1) {
      const name = new RegExp(`check-${index}(?!\\d)`, "g");
      const inParts = parts.reduce((sum, text) => sum + (text.match(name) ?? []).length, 0);
      expect(inParts).toBe((whole.match(name) ?? []).length);
    }
  });

  it("become lists where the stock serializer has to write the request", async () => {
    const live = ofResource(await createLiveProducer(someChecks(), undefined).collect());
    const odd = { ...live, resource: resourceFromAttributes({ "process.command_args": ["a", "b"] }) };
    let given: ResourceMetrics | undefined;
    const encoder = new MetricEncoder((metrics) => {
      given = metrics;
      return stock(metrics);
    });
    await encoder.prepare(odd);
    expect(encoder.request(odd)?.length).toBeGreaterThan(10_000);
    if (given === undefined) throw new Error("the stock serializer was not asked");
    expect(countPoints(odd)).toBe(countPoints(given));
    expect(
      given.scopeMetrics.flatMap(({ metrics }) => metrics).every(({ dataPoints }) => Array.isArray(dataPoints)),
    ).toBe(true);
  });
});
