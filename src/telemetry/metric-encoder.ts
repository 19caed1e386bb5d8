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
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import { serializeBy } from "./exporter-inside.js";
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
import { Slice } from "./slice.js";

type Time = DataPoint<unknown>["endTime"];

export type EncodeMetrics = (metrics: ResourceMetrics) => Uint8Array | undefined;

/** What an item takes, and room for the rest; it grows. */
const bytesPerItem = 256;
const bytesBeside = 8_192;
/** Longest time that encoding holds the event loop. */
const sliceMs = 1;
/** The clock is read once per this many items, which are points or checks. */
const itemsPerLook = 8;

/**
 * `ExportMetricsServiceRequest` (opentelemetry-proto 1.x), byte for byte as the exporters' own serializer writes it, in one
 * pass where that one takes two, and in slices: in one piece a request held the event loop for 15 to 20 ms. What metrics of
 * ours hardly ever have (exponential histograms, lists, negative counts) is left to it, with the whole request.
 */
export class MetricEncoder {
  private readonly encoded = new WeakMap<ResourceMetrics, Uint8Array>();

  constructor(
    private readonly stock: EncodeMetrics,
    private readonly now: () => number = Date.now,
  ) {}

  /** To be awaited before `request` is asked for the same; gives the event loop back in between. */
  async prepare(metrics: ResourceMetrics): Promise<void> {
    if (isOurs(metrics)) this.encoded.set(metrics, await encode(metrics, this.now()));
  }

  /** Once: the bytes are not kept. */
  readonly request: EncodeMetrics = (metrics) => {
    const encoded = this.encoded.get(metrics);
    this.encoded.delete(metrics);
    return encoded ?? this.stock(withLists(metrics, this.now()));
  };
}

/** Writes what this exporter sends from now on; undefined where its own serializer is not found. */
export function encoderOf(exporter: object): MetricEncoder | undefined {
  let encoder: MetricEncoder | undefined;
  serializeBy<ResourceMetrics>(exporter, (stock) => {
    encoder = new MetricEncoder(stock);
    return encoder.request;
  });
  return encoder;
}

/** Of live points those there are just now. */
export function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) {
    for (const metric of metrics) points += livePointsOf(metric)?.count() ?? metric.dataPoints.length;
  }
  return points;
}

function withLists({ resource, scopeMetrics }: ResourceMetrics, atMs: number): ResourceMetrics {
  const endTime = millisToHrTime(atMs);
  const listed = (metric: MetricData): MetricData => {
    const live = livePointsOf(metric);
    return live ? ({ ...metric, dataPoints: live.list(endTime) } as MetricData) : metric;
  };
  const scopes = scopeMetrics.map(({ scope, metrics }) => ({
    scope,
    metrics: metrics.map(listed).filter(({ dataPoints }) => dataPoints.length > 0),
  }));
  return { resource, scopeMetrics: scopes };
}

function isOurs({ resource, scopeMetrics }: ResourceMetrics): boolean {
  const isPlainScope = ({ scope, metrics }: ScopeMetrics) => isPlainOrigin(resource, scope) && metrics.every(isPlain);
  return hasPlainValues(resource.attributes) && scopeMetrics.every(isPlainScope);
}

function isPlain(metric: MetricData): boolean {
  // Names, kinds and labels: text and booleans, by the schema.
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

async function encode(metrics: ResourceMetrics, atMs: number): Promise<Uint8Array> {
  const to = new ProtobufBytes(Buffer.allocUnsafeSlow(bytesBeside + bytesPerItem * countItems(metrics)));
  const slice = new Slice(sliceMs, itemsPerLook);
  for (const _ of writeItems(to, metrics, millisToHrTime(atMs))) if (slice.isOver()) await slice.next();
  return to.written;
}

function countItems({ scopeMetrics }: ResourceMetrics): number {
  let items = 0;
  for (const { metrics } of scopeMetrics) for (const { dataPoints } of metrics) items += dataPoints.length;
  return items;
}

/** Writes the whole request, and stops after each item: a point, or of live ones those at an index. */
function* writeItems(
  to: ProtobufBytes,
  { resource, scopeMetrics }: ResourceMetrics,
  endTime: Time,
): Generator<undefined, void> {
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
      const writeItem = itemWriter(to, metric, endTime);
      let points = 0;
      for (let index = 0; index < metric.dataPoints.length; index += 1) {
        points += writeItem(index);
        yield;
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

function itemWriter(to: ProtobufBytes, metric: MetricData, endTime: Time): WriteItem {
  const live = livePointsOf(metric);
  if (live) return liveItemWriter(to, live, endTime);
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

function liveItemWriter(to: ProtobufBytes, { metric, start }: LivePoints, endTime: Time): WriteItem {
  const { points } = metric;
  let written = 0;
  let sinceMs = Number.NaN;
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
