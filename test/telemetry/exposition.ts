import type { Attributes } from "@opentelemetry/api";
import { emptyResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { CheckCounts } from "../../src/signals/counts.js";
import type { OnDiagnostic } from "../../src/telemetry/delivery.js";
import { createMetricsText } from "../../src/telemetry/metrics-text.js";

export interface Rendered {
  readonly contentType: string;
  readonly text: string;
  readonly pieces: readonly Uint8Array[];
  /** What could not be shown. */
  readonly said: readonly string[];
}

/** Renders metrics, or what is counted of checks, as `/metrics` would. */
export async function render(
  shown: readonly MetricData[] | CheckCounts,
  accept?: string,
  resource: Attributes = {},
): Promise<Rendered> {
  const said: string[] = [];
  const onDiagnostic: OnDiagnostic = ({ message }) => said.push(message);
  const resourceMetrics = toResourceMetrics(shown instanceof CheckCounts ? [] : shown, resource);
  const reader = { collect: async () => ({ resourceMetrics, errors: [] }) };
  const source = createMetricsText({ reader, onDiagnostic, ...(shown instanceof CheckCounts && { counts: shown }) });
  const { contentType, pieces } = await source.render(accept);
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(Buffer.from(piece));
  return { contentType, text: Buffer.concat(parts).toString("utf8"), pieces: parts, said };
}

export function toResourceMetrics(metrics: readonly MetricData[], resource: Attributes = {}): ResourceMetrics {
  return {
    resource: Object.keys(resource).length === 0 ? emptyResource() : resourceFromAttributes(resource),
    scopeMetrics: [{ scope: { name: "healthspan" }, metrics: [...metrics] }],
  };
}

const time: [number, number] = [0, 0];

export interface Points {
  readonly name: string;
  readonly unit?: string;
  readonly description?: string;
  readonly points: readonly (readonly [Attributes, number])[];
}

export function gauge({ name, unit = "", description = "d", points }: Points): MetricData {
  return {
    descriptor: { name, unit, description, valueType: 1 },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints: points.map(([attributes, value]) => ({ attributes, value, startTime: time, endTime: time })),
  };
}

export function counter(points: Points): MetricData {
  return { ...gauge(points), dataPointType: DataPointType.SUM, isMonotonic: true } as MetricData;
}

export interface HistogramPoints extends Omit<Points, "points"> {
  readonly bounds: readonly number[];
  readonly points: readonly {
    readonly attributes: Attributes;
    readonly counts: readonly number[];
    readonly sum: number;
  }[];
}

export function histogram({ name, unit = "", description = "d", bounds, points }: HistogramPoints): MetricData {
  return {
    descriptor: { name, unit, description, valueType: 1 },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: points.map(({ attributes, counts, sum }) => ({
      attributes,
      value: {
        buckets: { boundaries: [...bounds], counts: [...counts] },
        sum,
        count: counts.reduce((total, count) => total + count, 0),
      },
      startTime: time,
      endTime: time,
    })),
  };
}

/** Samples of a text exposition: series with sorted, unescaped labels to the value as it was written. */
export function samples(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const { series, value } = sample(line);
    if (found.has(series)) throw new Error(`twice: ${line}`);
    found.set(series, value);
  }
  return found;
}

const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|(?=\}))/y;

function sample(line: string): { series: string; value: string } {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  const labels: string[] = [];
  let at = name.length;
  if (line[at] === "{") {
    at += 1;
    while (line[at] !== "}") {
      label.lastIndex = at;
      const match = label.exec(line);
      if (!match) throw new Error(`no label at ${at}: ${line}`);
      labels.push(`${match[1]}=${JSON.stringify(unescaped(match[2] ?? ""))}`);
      at = label.lastIndex;
    }
    at += 1;
  }
  const value = /^ (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)$/.exec(line.slice(at))?.[1];
  if (value === undefined) throw new Error(`no value: ${line}`);
  return { series: `${name}{${labels.sort().join(",")}}`, value };
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character));
