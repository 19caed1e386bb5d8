import { ValueType } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import { scopeName } from "../semconv.js";
import type { CheckCounts } from "../signals/counts.js";
import type { LiveMetric } from "./exposition-points.js";
import { liveMetrics } from "./live-metrics.js";

type Time = DataPoint<unknown>["endTime"];

/**
 * The points of a live metric, in the place of a list of them: the SDK's reader asks for its length and cuts it. It has an
 * item for each index, of which there may be no point or several; who writes them asks for `metric`.
 */
export class LivePoints {
  readonly length: number;

  constructor(
    readonly metric: LiveMetric,
    readonly start = 0,
    end = metric.points.length,
  ) {
    this.length = end - start;
  }

  slice(from: number, to: number): LivePoints {
    return new LivePoints(this.metric, this.start + from, this.start + Math.min(to, this.length));
  }

  /** How many points there are just now. */
  count(): number {
    let count = 0;
    const { points } = this.metric;
    const put = (): void => {
      count += 1;
    };
    for (let index = this.start; index < this.start + this.length; index += 1) points.visit(index, put);
    return count;
  }

  /** A list after all, for who knows nothing else. */
  list(endTime: Time): DataPoint<number | Histogram>[] {
    const list: DataPoint<number | Histogram>[] = [];
    const { metric, start } = this;
    for (let index = start; index < start + this.length; index += 1) {
      const startTime = millisToHrTime(metric.sinceMs(index));
      if (metric.points.type === "histogram") {
        metric.points.visit(index, ({ attributes, boundaries, counts, sum, count }) => {
          const value = { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count };
          list.push({ startTime, endTime, attributes, value });
        });
      } else metric.points.visit(index, (attributes, value) => list.push({ startTime, endTime, attributes, value }));
    }
    return list;
  }
}

export function livePointsOf({ dataPoints }: MetricData): LivePoints | undefined {
  const points: unknown = dataPoints;
  return points instanceof LivePoints ? points : undefined;
}

/**
 * Hands the counts to an SDK reader whose exporter knows live points: what a push says is read as it is written, and dated
 * then. The points themselves would be 25 objects a check that live as long as the push.
 */
export function createLiveProducer(counts: CheckCounts, version: string | undefined): MetricProducer {
  const scope = { name: scopeName, ...(version !== undefined && { version }) };
  return {
    collect: async () => {
      const found = (await liveMetrics(counts)).filter(({ points }) => points.length > 0);
      const metrics = found.map(dataOf);
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors: [] };
    },
  };
}

const dataPointTypes = {
  gauge: DataPointType.GAUGE,
  counter: DataPointType.SUM,
  histogram: DataPointType.HISTOGRAM,
} as const;

function dataOf(metric: LiveMetric): MetricData {
  const { type } = metric.points;
  const { name, unit, description } = metric.descriptor;
  const valueType = type === "counter" ? ValueType.INT : ValueType.DOUBLE;
  return {
    descriptor: { name, unit, description, valueType },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: dataPointTypes[type],
    ...(type === "counter" && { isMonotonic: true }),
    dataPoints: new LivePoints(metric),
  } as unknown as MetricData;
}
