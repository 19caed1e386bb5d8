import { setImmediate as giveLoopBack } from "node:timers/promises";
import { type Attributes, ValueType } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricDescriptor,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { HistogramPoint } from "./exposition-points.js";
import { type LivePoints, livePointsOf } from "./live-points.js";
import {
  beginField,
  hasPlainValues,
  isPlainOrigin,
  within,
  writeAttributes,
  writeDouble,
  writeFixed64,
  writeResource,
  writeScope,
  writeText,
  writeTime,
  writeWhole,
} from "./otlp-fields.js";
import { ProtobufBytes } from "./protobuf-bytes.js";

export type EncodeMetrics = (metrics: ResourceMetrics) => Uint8Array | undefined;

/** What a point takes, and room for the rest; it grows. */
const bytesPerPoint = 256;
const bytesBeside = 8_192;
/** Longest time that encoding holds the event loop. */
const sliceMs = 1;
/** The clock is read once per this many items, which are points or checks. */
const itemsPerLook = 8;

interface Encoded {
  readonly bytes: Uint8Array | undefined;
  readonly points: number;
}

/**
 * `ExportMetricsServiceRequest` (opentelemetry-proto 1.x), byte for byte as the exporters' own serializer writes it, in one
 * pass where that one takes two, and in slices: in one piece a request held the event loop for 15 to 20 ms. What metrics of
 * ours hardly ever have (exponential histograms, lists, negative counts) is left to it, with the whole request.
 */
export class MetricEncoder {
  private readonly encoded = new WeakMap<ResourceMetrics, Encoded>();

  constructor(private readonly stock: EncodeMetrics) {}

  /** To be awaited before the rest is asked of the same; gives the event loop back in between. */
  async prepare(metrics: ResourceMetrics): Promise<void> {
    this.encoded.set(metrics, isOurs(metrics) ? await encode(metrics) : this.encodeByStock(metrics));
  }

  readonly request: EncodeMetrics = (metrics) => this.known(metrics).bytes;

  pointsOf(metrics: ResourceMetrics): number {
    return this.known(metrics).points;
  }

  private known(metrics: ResourceMetrics): Encoded {
    return this.encoded.get(metrics) ?? this.encodeByStock(metrics);
  }

  private encodeByStock(metrics: ResourceMetrics): Encoded {
    const listed = withLists(metrics);
    return { bytes: this.stock(listed), points: countPoints(listed) };
  }
}

export function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) for (const { dataPoints } of metrics) points += dataPoints.length;
  return points;
}

function withLists({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  const listed = (metric: MetricData): MetricData => {
    const live = livePointsOf(metric);
    return live ? ({ ...metric, dataPoints: live.list() } as MetricData) : metric;
  };
  return {
    resource,
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(listed) })),
  };
}

function isOurs({ resource, scopeMetrics }: ResourceMetrics): boolean {
  return scopeMetrics.every(({ scope, metrics }) => isPlainOrigin(resource, scope) && metrics.every(isPlain));
}

function isPlain(metric: MetricData): boolean {
  if (livePointsOf(metric)) return true;
  switch (metric.dataPointType) {
    case DataPointType.GAUGE:
    case DataPointType.SUM: {
      const isWhole = metric.descriptor.valueType === ValueType.INT;
      return metric.dataPoints.every(
        ({ attributes, value }) => hasPlainValues(attributes) && (!isWhole || isCount(value)),
      );
    }
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.every(
        ({ attributes, value: { buckets, count } }) =>
          hasPlainValues(attributes) && isCount(count) && buckets.counts.every(isCount),
      );
    default:
      return false;
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

async function encode(metrics: ResourceMetrics): Promise<Encoded> {
  const to = new ProtobufBytes(Buffer.allocUnsafeSlow(bytesBeside + bytesPerPoint * countPoints(metrics)));
  let startedAt = performance.now();
  let items = 0;
  let points = 0;
  for (const written of writeItems(to, metrics)) {
    points += written;
    items += 1;
    if (items % itemsPerLook !== 0 || performance.now() - startedAt < sliceMs) continue;
    await giveLoopBack();
    startedAt = performance.now();
  }
  return { bytes: to.written, points };
}

/** Writes the whole request, and stops after each item, saying how many points that was. */
function* writeItems(to: ProtobufBytes, { resource, scopeMetrics }: ResourceMetrics): Generator<number, void> {
  const ofResource = beginField(to, 1);
  writeResource(to, resource);
  for (const { scope, metrics } of scopeMetrics) {
    const ofScope = beginField(to, 2);
    writeScope(to, scope);
    for (const metric of metrics) {
      const before = to.length;
      const ofMetric = beginField(to, 2);
      writeDescriptor(to, metric.descriptor);
      const ofData = beginField(to, dataField[metric.dataPointType]);
      const writeItem = itemWriter(to, metric);
      let points = 0;
      for (let index = 0; index < metric.dataPoints.length; index += 1) {
        const written = writeItem(index);
        points += written;
        yield written;
      }
      writeData(to, metric);
      to.end(ofData);
      to.end(ofMetric);
      // Of live points one learns only now that there is none.
      if (points === 0 && livePointsOf(metric)) to.cut(before);
    }
    if (scope.schemaUrl) writeText(to, 3, scope.schemaUrl);
    to.end(ofScope);
  }
  if (resource.schemaUrl) writeText(to, 3, resource.schemaUrl);
  to.end(ofResource);
}

function writeDescriptor(to: ProtobufBytes, { name, description, unit }: MetricDescriptor): void {
  writeText(to, 1, name);
  if (description) writeText(to, 2, description);
  if (unit) writeText(to, 3, unit);
}

const dataField: Readonly<Record<DataPointType, number>> = {
  [DataPointType.GAUGE]: 5,
  [DataPointType.SUM]: 7,
  [DataPointType.HISTOGRAM]: 9,
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 10,
};

/** What a metric's data say beside their points. */
function writeData(to: ProtobufBytes, metric: MetricData): void {
  if (metric.dataPointType === DataPointType.GAUGE) return;
  writeWhole(to, 2, metric.aggregationTemporality === AggregationTemporality.DELTA ? 1 : 2);
  if (metric.dataPointType === DataPointType.SUM && metric.isMonotonic) writeWhole(to, 3, 1);
}

/** Writes the points at an index, and says how many those are. */
type WriteItem = (index: number) => number;

function itemWriter(to: ProtobufBytes, metric: MetricData): WriteItem {
  const live = livePointsOf(metric);
  if (live) return liveItemWriter(to, live);
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return (index) => {
      writeHistogram(to, metric.dataPoints[index] as DataPoint<Histogram>);
      return 1;
    };
  }
  const points = metric.dataPoints as readonly DataPoint<number>[];
  const isWhole = metric.descriptor.valueType === ValueType.INT;
  return (index) => {
    writeNumber(to, points[index] as DataPoint<number>, isWhole);
    return 1;
  };
}

function liveItemWriter(to: ProtobufBytes, { metric, endTime, start }: LivePoints): WriteItem {
  const { points } = metric;
  let [written, sinceMs] = [0, Number.NaN];
  let startTime = endTime;
  const turnTo = (index: number): void => {
    written = 0;
    if (metric.sinceMs(index) === sinceMs) return;
    sinceMs = metric.sinceMs(index);
    startTime = millisToHrTime(sinceMs);
  };
  if (points.type === "histogram") {
    const put = ({ attributes, boundaries, counts, sum, count }: HistogramPoint): void => {
      writeHistogram(to, { startTime, endTime, attributes, value: { buckets: { boundaries, counts }, sum, count } });
      written += 1;
    };
    return (index) => {
      turnTo(start + index);
      points.visit(start + index, put);
      return written;
    };
  }
  const isWhole = points.type === "counter";
  const put = (attributes: Attributes, value: number): void => {
    writeNumber(to, { startTime, endTime, attributes, value }, isWhole);
    written += 1;
  };
  return (index) => {
    turnTo(start + index);
    points.visit(start + index, put);
    return written;
  };
}

function writeNumber(
  to: ProtobufBytes,
  { startTime, endTime, value, attributes }: DataPoint<number>,
  isWhole: boolean,
): void {
  const point = beginField(to, 1);
  writeTime(to, 2, startTime);
  writeTime(to, 3, endTime);
  if (isWhole) writeFixed64(to, 6, value);
  else writeDouble(to, 4, value);
  writeAttributes(to, 7, attributes);
  to.end(point);
}

interface ReadHistogram extends Omit<Histogram, "buckets"> {
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
}

function writeHistogram(to: ProtobufBytes, { startTime, endTime, value, attributes }: DataPoint<ReadHistogram>): void {
  const { buckets, count, sum, min, max } = value;
  const point = beginField(to, 1);
  writeTime(to, 2, startTime);
  writeTime(to, 3, endTime);
  writeFixed64(to, 4, count);
  if (sum !== undefined) writeDouble(to, 5, sum);
  if (buckets.counts.length > 0) within(to, 6, () => writeCounts(to, buckets.counts));
  if (buckets.boundaries.length > 0) within(to, 7, () => writeBounds(to, buckets.boundaries));
  writeAttributes(to, 9, attributes);
  if (min !== undefined) writeDouble(to, 11, min);
  if (max !== undefined) writeDouble(to, 12, max);
  to.end(point);
}

function writeCounts(to: ProtobufBytes, counts: readonly number[]): void {
  for (const count of counts) to.fixed64(count);
}

function writeBounds(to: ProtobufBytes, bounds: readonly number[]): void {
  for (const bound of bounds) to.double(bound);
}
