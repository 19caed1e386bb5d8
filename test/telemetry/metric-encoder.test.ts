import { type Attributes, ValueType } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serializeBy } from "../../src/telemetry/exporter-inside.js";
import { type EncodeMetrics, MetricEncoder } from "../../src/telemetry/metric-encoder.js";

const text = fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.string({ maxLength: 20 }));
const count = fc.oneof(fc.nat(1_000), fc.maxSafeNat());
const double = fc.oneof(fc.double(), fc.integer());
const time = fc.tuple(fc.integer({ min: 0, max: 2 ** 33 }), fc.integer({ min: 0, max: 999_999_999 }));
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(
  text,
  fc.oneof(text, fc.boolean(), fc.integer({ min: 0, max: 2 ** 31 - 1 })),
  { maxKeys: 8 },
);
const temporality = fc.constantFrom(AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA);

function pointsOf<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<DataPoint<Value>[]> {
  return fc.array(fc.record({ startTime: time, endTime: time, attributes, value }), { maxLength: 5 });
}

const descriptor = fc.record({ name: text, unit: text, description: text });
const gauge = fc
  .record({ descriptor, aggregationTemporality: temporality, dataPoints: pointsOf(double) })
  .map(({ descriptor, ...rest }) => ({
    ...rest,
    descriptor: { ...descriptor, valueType: ValueType.DOUBLE },
    dataPointType: DataPointType.GAUGE as const,
  }));
const sum = fc
  .record({
    descriptor,
    aggregationTemporality: temporality,
    isMonotonic: fc.boolean(),
    dataPoints: pointsOf(count),
    valueType: fc.constantFrom(ValueType.INT, ValueType.DOUBLE),
  })
  .map(({ descriptor, valueType, ...rest }) => ({
    ...rest,
    descriptor: { ...descriptor, valueType },
    dataPointType: DataPointType.SUM as const,
  }));
const histogramValue: fc.Arbitrary<Histogram> = fc
  .record({
    counts: fc.array(count, { maxLength: 20 }),
    boundaries: fc.array(double, { maxLength: 19 }),
    count,
    sum: fc.option(double, { nil: undefined }),
    min: fc.option(double, { nil: undefined }),
    max: fc.option(double, { nil: undefined }),
  })
  .map(({ counts, boundaries, count, sum, min, max }) => ({
    buckets: { boundaries, counts },
    count,
    ...(sum !== undefined && { sum }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  }));
const histogram = fc
  .record({ descriptor, aggregationTemporality: temporality, dataPoints: pointsOf(histogramValue) })
  .map(({ descriptor, ...rest }) => ({
    ...rest,
    descriptor: { ...descriptor, valueType: ValueType.DOUBLE },
    dataPointType: DataPointType.HISTOGRAM as const,
  }));

const resource = resourceFromAttributes({ "service.name": "s", "process.pid": 17 });
const request: fc.Arbitrary<ResourceMetrics> = fc
  .array(
    fc.record({
      scope: fc.record({ name: text, version: text, schemaUrl: text }, { requiredKeys: ["name"] }),
      metrics: fc.array(fc.oneof(gauge, sum, histogram), { maxLength: 4 }),
    }),
    { maxLength: 3 },
  )
  .map((scopeMetrics) => ({ resource, scopeMetrics }) as ResourceMetrics);

let stock: EncodeMetrics = () => undefined;
serializeBy<ResourceMetrics>(new OTLPMetricExporter(), (own) => {
  stock = own;
  return own;
});

const plainGauge = { descriptor: { name: "g", unit: "1", description: "", valueType: ValueType.DOUBLE } };
const point = (value: unknown, attributes: Attributes = {}) => ({
  startTime: [1, 2],
  endTime: [3, 4],
  attributes,
  value,
});
const requestOf = (metric: object, scope: object = { name: "s" }): ResourceMetrics =>
  ({ resource, scopeMetrics: [{ scope, metrics: [metric as MetricData] }] }) as ResourceMetrics;

function encodeBy(stock: EncodeMetrics): (metrics: ResourceMetrics) => Promise<Uint8Array | undefined> {
  const encoder = new MetricEncoder(stock);
  return async (metrics) => {
    await encoder.prepare(metrics);
    return encoder.request(metrics);
  };
}

describe("metrics on their way out", () => {
  it("are encoded byte for byte as the exporters' own serializer does", async () => {
    const encode = encodeBy(() => {
      throw new Error("was left to the stock serializer");
    });
    await fc.assert(
      fc.asyncProperty(request, async (metrics) => {
        const expected = Buffer.from(stock(metrics) ?? []);
        expect(expected.length).toBeGreaterThan(0);
        expect(Buffer.from((await encode(metrics)) ?? []).equals(expected)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("give the event loop back while they are encoded, and are the same bytes", async () => {
    const points = Array.from({ length: 20_000 }, (_, index) => point(index, { check: `c${index}` }));
    const metrics = requestOf({ ...plainGauge, dataPointType: DataPointType.GAUGE, dataPoints: points });
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    const encoded = await encodeBy(() => undefined)(metrics);
    clearInterval(count);
    expect(turns).toBeGreaterThan(0);
    expect(Buffer.from(encoded ?? []).equals(Buffer.from(stock(metrics) ?? []))).toBe(true);
  });

  it("are left to it where they have what is not ours to encode", async () => {
    const encode = encodeBy(() => undefined);
    const gaugeOf = (points: object[]) => ({ ...plainGauge, dataPointType: DataPointType.GAUGE, dataPoints: points });
    const sumOf = (value: number) => ({
      descriptor: { ...plainGauge.descriptor, valueType: ValueType.INT },
      dataPointType: DataPointType.SUM,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      isMonotonic: false,
      dataPoints: [point(value)],
    });
    const histogramOf = (counts: number[], count: number) => ({
      ...plainGauge,
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPoints: [point({ buckets: { boundaries: [1], counts }, count })],
    });
    const strange: readonly ResourceMetrics[] = [
      requestOf({ ...gaugeOf([]), dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM }),
      requestOf(gaugeOf([point(1, { list: ["a"] })])),
      requestOf(gaugeOf([point(1, { big: 2 ** 40 })])),
      requestOf(sumOf(-1)),
      requestOf(sumOf(0.5)),
      requestOf(histogramOf([1, -1], 0)),
      requestOf(histogramOf([1, 0], 2 ** 60)),
      requestOf(gaugeOf([point(1)]), { name: "s", attributes: {} }),
    ];
    for (const one of strange) expect(await encode(one)).toBeUndefined();
    for (const one of [gaugeOf([point(1)]), sumOf(3), histogramOf([1, 0], 1)])
      expect(await encode(requestOf(one))).toBeDefined();
  });
});
