import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type GaugeMetricData,
  type Histogram,
  type HistogramMetricData,
  type MetricData,
  type MetricDescriptor,
  type MetricProducer,
  type SumMetricData,
} from "@opentelemetry/sdk-metrics";
import { durationBoundsSeconds, scopeName } from "../semconv.js";
import type { CheckCount, CheckCounts, DurationTally, Tally } from "../signals/counts.js";
import type { Descriptor } from "../signals/descriptors.js";
import { checkFamilies, type OwnFamily, schedulerFamilies, serviceFamilies } from "./own-families.js";
import { Slice } from "./slice.js";

export interface ProducerOptions {
  /** Counters and histograms as what came since the last collection of this producer. */
  readonly isDelta?: boolean;
  readonly now?: () => number;
  /** Version of the scope. */
  readonly version?: string | undefined;
}

/** Hands the counts to an SDK reader. One producer per reader: with delta temporality it remembers what was collected. */
export function createMetricProducer(counts: CheckCounts, options: ProducerOptions = {}): MetricProducer {
  const now = options.now ?? Date.now;
  const previous = options.isDelta ? new Previous(counts.sinceMs) : undefined;
  return {
    collect: async () => {
      const collection = new Collection(now(), previous);
      await collection.addChecks(counts);
      const metrics = collection.metrics(counts);
      previous?.collectedAt(collection.atMs);
      return result(metrics, options.version);
    },
  };
}

function result(metrics: MetricData[], version: string | undefined): CollectionResult {
  const scope = { name: scopeName, ...(version !== undefined && { version }) };
  return {
    resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] },
    errors: [],
  };
}

/** Longest time that collecting holds the event loop. */
const sliceMs = 1;

/** What the last collection saw of each series; series are known by their attributes' identity. */
class Previous {
  private readonly tallies = new WeakMap<Tally, number>();
  private readonly durations = new WeakMap<DurationTally, Histogram>();

  constructor(private atMs: number) {}

  collectedAt(atMs: number): void {
    this.atMs = atMs;
  }

  /** Never before the series itself began. */
  start(sinceMs: number): number {
    return Math.max(this.atMs, sinceMs);
  }

  tally(tally: Tally): number {
    const difference = tally.value - (this.tallies.get(tally) ?? 0);
    this.tallies.set(tally, tally.value);
    return difference;
  }

  duration(tally: DurationTally, value: Histogram): Histogram {
    const before = this.durations.get(tally);
    this.durations.set(tally, value);
    if (before === undefined) return value;
    return histogram(
      value.buckets.counts.map((count, bucket) => count - (before.buckets.counts[bucket] ?? 0)),
      (value.sum ?? 0) - (before.sum ?? 0),
      value.count - before.count,
    );
  }
}

/** One collection: points of all checks, gathered into one family per metric name. */
class Collection {
  private readonly endTime: HrTime;
  private readonly startTimes = new Map<number, HrTime>();
  private readonly ofChecks: readonly { readonly family: OwnFamily<CheckCount>; readonly data: MetricData }[];
  private readonly factFamilies = new Map<string, GaugeMetricData>();

  constructor(
    readonly atMs: number,
    private readonly previous: Previous | undefined,
  ) {
    this.endTime = millisToHrTime(atMs);
    // Not where it is declared: fields come before what the constructor is given, and temporality is a matter of that.
    this.ofChecks = checkFamilies.map((family) => ({ family, data: this.dataOf(family) }));
  }

  /** Gives the event loop back in between: ten thousand checks take a while. */
  async addChecks(counts: CheckCounts): Promise<void> {
    const slice = new Slice(sliceMs, 1);
    for (const count of [...counts.checks()]) {
      if (!counts.has(count)) continue;
      this.addCheck(count);
      if (slice.isOver()) await slice.next();
    }
  }

  metrics(counts: CheckCounts): MetricData[] {
    const ofService = (family: OwnFamily<CheckCounts>): MetricData => {
      const data = this.dataOf(family);
      this.visit(family, counts, counts.sinceMs, data);
      return data;
    };
    const families: MetricData[] = [
      ...serviceFamilies.map(ofService),
      ...this.ofChecks.map(({ data }) => data),
      ...schedulerFamilies.map(ofService),
      ...this.factFamilies.values(),
    ];
    return families.filter((family) => family.dataPoints.length > 0);
  }

  private addCheck(count: CheckCount): void {
    const { sinceMs } = count;
    for (const { family, data } of this.ofChecks) this.visit(family, count, sinceMs, data);
    count.factPoints.observe(count.facts, (descriptor, value, attributes) => {
      this.factFamily(descriptor).dataPoints.push(this.point(attributes, value, sinceMs));
    });
  }

  private visit<Source>(family: OwnFamily<Source>, source: Source, sinceMs: number, { dataPoints }: MetricData): void {
    if (family.type === "histogram") {
      const points = dataPoints as DataPoint<Histogram>[];
      family.visit(source, (tally) => points.push(this.durationPoint(tally, sinceMs)));
    } else {
      const points = dataPoints as DataPoint<number>[];
      family.visit(source, (attributes, value, tally) =>
        points.push(tally ? this.tallyPoint(tally, sinceMs) : this.point(attributes, value, sinceMs)),
      );
    }
  }

  private dataOf<Source>({ descriptor, type }: OwnFamily<Source>): MetricData {
    if (type === "gauge") return gauge(descriptor, []);
    return type === "counter" ? this.sum(descriptor) : this.histogram(descriptor);
  }

  private factFamily(descriptor: Descriptor): GaugeMetricData {
    let family = this.factFamilies.get(descriptor.name);
    if (family === undefined) {
      family = gauge(descriptor, []);
      this.factFamilies.set(descriptor.name, family);
    }
    return family;
  }

  private tallyPoint(tally: Tally, sinceMs: number): DataPoint<number> {
    const { previous } = this;
    return previous
      ? this.point(tally.attributes, previous.tally(tally), previous.start(sinceMs))
      : this.point(tally.attributes, tally.value, sinceMs);
  }

  private durationPoint(tally: DurationTally, sinceMs: number): DataPoint<Histogram> {
    const { previous } = this;
    const total = histogram([...tally.counts], tally.sum, tally.count);
    return {
      startTime: this.startTime(previous ? previous.start(sinceMs) : sinceMs),
      endTime: this.endTime,
      attributes: tally.attributes,
      value: previous ? previous.duration(tally, total) : total,
    };
  }

  private point(attributes: Attributes, value: number, sinceMs: number): DataPoint<number> {
    return { startTime: this.startTime(sinceMs), endTime: this.endTime, attributes, value };
  }

  private startTime(sinceMs: number): HrTime {
    let time = this.startTimes.get(sinceMs);
    if (time === undefined) {
      time = millisToHrTime(sinceMs);
      this.startTimes.set(sinceMs, time);
    }
    return time;
  }

  private get temporality(): AggregationTemporality {
    return this.previous ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  }

  private sum(descriptor: Descriptor): SumMetricData {
    return {
      descriptor: metricDescriptor(descriptor, ValueType.INT),
      aggregationTemporality: this.temporality,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: [],
    };
  }

  private histogram(descriptor: Descriptor): HistogramMetricData {
    return {
      descriptor: metricDescriptor(descriptor, ValueType.DOUBLE),
      aggregationTemporality: this.temporality,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [],
    };
  }
}

function gauge(descriptor: Descriptor, dataPoints: DataPoint<number>[]): GaugeMetricData {
  return {
    descriptor: metricDescriptor(descriptor, ValueType.DOUBLE),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints,
  };
}

function metricDescriptor({ name, unit, description }: Descriptor, valueType: ValueType): MetricDescriptor {
  return { name, unit, description, valueType };
}

const boundaries: number[] = [...durationBoundsSeconds];

function histogram(counts: number[], sum: number, count: number): Histogram {
  return { buckets: { boundaries, counts }, sum, count };
}
