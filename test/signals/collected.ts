import type { Attributes } from "@opentelemetry/api";
import {
  type AggregationTemporality,
  type DataPointType,
  type Histogram,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  MetricReader,
  type MetricReaderOptions,
} from "@opentelemetry/sdk-metrics";

/** One metric as it was collected, in a form that two ways of collecting can be compared in. */
export interface CollectedMetric {
  readonly unit: string;
  readonly description: string;
  readonly pointType: DataPointType;
  readonly temporality: AggregationTemporality;
  readonly isMonotonic: boolean | undefined;
  readonly points: readonly CollectedPoint[];
}
export interface CollectedPoint {
  readonly attributes: Attributes;
  readonly value: unknown;
}
export type Collected = Readonly<Record<string, CollectedMetric>>;

/** A reader that only collects when asked. */
export class TestReader extends MetricReader {
  override async onForceFlush(): Promise<void> {}
  override async onShutdown(): Promise<void> {}
}

/** A reader, and the provider whose meters it collects. */
export function createReader(options: MetricReaderOptions = {}): { reader: TestReader; provider: MeterProvider } {
  const reader = new TestReader({ cardinalitySelector: () => 1_000_000, ...options });
  return { reader, provider: new MeterProvider({ readers: [reader] }) };
}

export async function collect(from: Pick<MetricProducer, "collect">): Promise<Collected> {
  const { resourceMetrics, errors } = await from.collect();
  if (errors.length > 0) throw new AggregateError(errors);
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  return Object.fromEntries(
    metrics.filter((data) => data.dataPoints.length > 0).map((data) => [data.descriptor.name, collectedMetric(data)]),
  );
}

function collectedMetric(data: MetricData): CollectedMetric {
  const points = data.dataPoints.map(({ attributes, value }) => ({
    attributes: sorted(attributes),
    value: typeof value === "number" ? value : plainHistogram(value as Histogram),
  }));
  return {
    unit: data.descriptor.unit,
    description: data.descriptor.description,
    pointType: data.dataPointType,
    temporality: data.aggregationTemporality,
    isMonotonic: "isMonotonic" in data ? data.isMonotonic : undefined,
    points: points.sort((a, b) => (JSON.stringify(a.attributes) < JSON.stringify(b.attributes) ? -1 : 1)),
  };
}

/** Without smallest and largest value: they are optional, and of a cumulative histogram they say nothing useful. */
function plainHistogram({ buckets, sum, count }: Histogram): unknown {
  return { bounds: [...buckets.boundaries], counts: [...buckets.counts], sum, count };
}

function sorted(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}
