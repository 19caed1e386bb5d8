import { setImmediate as giveLoopBack } from "node:timers/promises";
import { ValueType } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricDescriptor,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
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
/** The clock is read once per this many points. */
const pointsPerLook = 16;

/**
 * `ExportMetricsServiceRequest` (opentelemetry-proto 1.x), byte for byte as the exporters' own serializer writes it, in one
 * pass where that one takes two, and in slices: in one piece a request held the event loop for 15 to 20 ms. What metrics of
 * ours hardly ever have (exponential histograms, lists, negative counts) is left to it, with the whole request.
 */
export class MetricEncoder {
  private readonly encoded = new WeakMap<ResourceMetrics, Uint8Array>();

  constructor(private readonly stock: EncodeMetrics) {}

  /** To be awaited before `request` is asked for the same; gives the event loop back in between. */
  async prepare(metrics: ResourceMetrics): Promise<void> {
    if (isOurs(metrics)) this.encoded.set(metrics, await encode(metrics));
  }

  readonly request: EncodeMetrics = (metrics) => this.encoded.get(metrics) ?? this.stock(metrics);
}

function isOurs({ resource, scopeMetrics }: ResourceMetrics): boolean {
  return scopeMetrics.every(({ scope, metrics }) => isPlainOrigin(resource, scope) && metrics.every(isPlain));
}

function isPlain(metric: MetricData): boolean {
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

async function encode(metrics: ResourceMetrics): Promise<Uint8Array> {
  const to = new ProtobufBytes(Buffer.allocUnsafeSlow(bytesBeside + bytesPerPoint * countPoints(metrics)));
  let startedAt = performance.now();
  let points = 0;
  for (const _ of writePoints(to, metrics)) {
    points += 1;
    if (points % pointsPerLook !== 0 || performance.now() - startedAt < sliceMs) continue;
    await giveLoopBack();
    startedAt = performance.now();
  }
  return to.written;
}

export function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) for (const { dataPoints } of metrics) points += dataPoints.length;
  return points;
}

/** Writes the whole request, and stops after each point. */
function* writePoints(to: ProtobufBytes, { resource, scopeMetrics }: ResourceMetrics): Generator<undefined, void> {
  const ofResource = beginField(to, 1);
  writeResource(to, resource);
  for (const { scope, metrics } of scopeMetrics) {
    const ofScope = beginField(to, 2);
    writeScope(to, scope);
    for (const metric of metrics) {
      const ofMetric = beginField(to, 2);
      writeDescriptor(to, metric.descriptor);
      const ofData = beginField(to, dataField[metric.dataPointType]);
      const writePoint = pointWriter(to, metric);
      for (let index = 0; index < metric.dataPoints.length; index += 1) {
        within(to, 1, () => writePoint(index));
        yield;
      }
      writeData(to, metric);
      to.end(ofData);
      to.end(ofMetric);
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

function pointWriter(to: ProtobufBytes, metric: MetricData): (index: number) => void {
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return (index) => writeHistogram(to, metric.dataPoints[index] as DataPoint<Histogram>);
  }
  const points = metric.dataPoints as readonly DataPoint<number>[];
  const isWhole = metric.descriptor.valueType === ValueType.INT;
  return (index) => writeNumber(to, points[index] as DataPoint<number>, isWhole);
}

/** What a metric's data say beside their points. */
function writeData(to: ProtobufBytes, metric: MetricData): void {
  if (metric.dataPointType === DataPointType.GAUGE) return;
  writeWhole(to, 2, metric.aggregationTemporality === AggregationTemporality.DELTA ? 1 : 2);
  if (metric.dataPointType === DataPointType.SUM && metric.isMonotonic) writeWhole(to, 3, 1);
}

function writeNumber(
  to: ProtobufBytes,
  { startTime, endTime, value, attributes }: DataPoint<number>,
  isWhole: boolean,
): void {
  writeTime(to, 2, startTime);
  writeTime(to, 3, endTime);
  if (isWhole) writeFixed64(to, 6, value);
  else writeDouble(to, 4, value);
  writeAttributes(to, 7, attributes);
}

function writeHistogram(to: ProtobufBytes, { startTime, endTime, value, attributes }: DataPoint<Histogram>): void {
  const { buckets, count, sum, min, max } = value;
  writeTime(to, 2, startTime);
  writeTime(to, 3, endTime);
  writeFixed64(to, 4, count);
  if (sum !== undefined) writeDouble(to, 5, sum);
  if (buckets.counts.length > 0) within(to, 6, () => writeCounts(to, buckets.counts));
  if (buckets.boundaries.length > 0) within(to, 7, () => writeBounds(to, buckets.boundaries));
  writeAttributes(to, 9, attributes);
  if (min !== undefined) writeDouble(to, 11, min);
  if (max !== undefined) writeDouble(to, 12, max);
}

function writeCounts(to: ProtobufBytes, counts: readonly number[]): void {
  for (const count of counts) to.fixed64(count);
}

function writeBounds(to: ProtobufBytes, bounds: readonly number[]): void {
  for (const bound of bounds) to.double(bound);
}
