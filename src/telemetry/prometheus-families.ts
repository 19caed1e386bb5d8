import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import type { HistogramPoint, HistogramPoints, LiveMetric, NumberPoints } from "./exposition-points.js";
import type { FamilyType } from "./prometheus-names.js";
import { familyName } from "./prometheus-names.js";

interface Named {
  /** Without `_total`. */
  readonly base: string;
  readonly unit: string | undefined;
  readonly help: string;
}
/** Of several metrics that became one family there are several parts; it may then have a series twice. */
export interface NumberFamily extends Named {
  readonly type: "counter" | "gauge";
  readonly parts: NumberPoints[];
}
export interface HistogramFamily extends Named {
  readonly type: "histogram";
  readonly parts: HistogramPoints[];
}
export type Family = NumberFamily | HistogramFamily;

export interface Families {
  readonly families: readonly Family[];
  /** Metrics whose translated names would clash with another's, in one line each; they are left out. */
  readonly refused: readonly string[];
}

/**
 * Gathers metrics of all scopes, and the live ones, into families by their Prometheus names. Metrics that become one
 * family are merged when they are of one type; those that would break the exposition are refused.
 */
export function toFamilies(scopes: readonly ScopeMetrics[], live: readonly LiveMetric[] = []): Families {
  const families = new Map<string, Family>();
  const taken = new Map<string, string>();
  const refused: string[] = [];
  const collected = scopes.flatMap(({ metrics }) => metrics).filter(({ dataPoints }) => dataPoints.length > 0);
  for (const metric of [...collected, ...live]) {
    const family = toFamily(metric);
    if (family === undefined) {
      refused.push(`${metric.descriptor.name}: no Prometheus type for it`);
      continue;
    }
    const existing = families.get(family.base);
    const clash = sampleNames(family).find((name) => (taken.get(name) ?? family.base) !== family.base);
    if (clash !== undefined || (existing && existing.type !== family.type)) {
      refused.push(`${metric.descriptor.name}: ${clash ?? family.base} is another metric's name`);
      continue;
    }
    for (const name of sampleNames(family)) taken.set(name, family.base);
    if (existing) (existing.parts as Family["parts"][number][]).push(...family.parts);
    else families.set(family.base, family);
  }
  return { families: [...families.values()], refused };
}

function toFamily(metric: MetricData | LiveMetric): Family | undefined {
  const points = "points" in metric ? metric.points : collectedPoints(metric);
  if (points === undefined) return undefined;
  const { name, unit, description } = metric.descriptor;
  return { ...familyName(name, unit, points.type), help: description, type: points.type, parts: [points] } as Family;
}

function collectedPoints(data: MetricData): NumberPoints | HistogramPoints | undefined {
  const type = typeOf(data);
  const { length } = data.dataPoints;
  if (type === undefined) return undefined;
  if (type === "histogram") return { type, length, visit: (index, put) => put(histogramPoint(data, index)) };
  const visit: NumberPoints["visit"] = (index, put) => {
    const { attributes, value } = data.dataPoints[index] as DataPoint<number>;
    put(attributes, value);
  };
  return { type, length, visit };
}

function histogramPoint({ dataPoints }: MetricData, index: number): HistogramPoint {
  const { attributes, value } = dataPoints[index] as DataPoint<Histogram>;
  const { buckets, sum = 0, count } = value;
  return { attributes, ...buckets, sum, count };
}

function typeOf(data: MetricData): FamilyType | undefined {
  if (data.dataPointType === DataPointType.HISTOGRAM) return "histogram";
  if (data.dataPointType === DataPointType.SUM) return data.isMonotonic ? "counter" : "gauge";
  return data.dataPointType === DataPointType.GAUGE ? "gauge" : undefined;
}

/** Every name that the family occupies, in either format. */
function sampleNames({ base, type }: Family): readonly string[] {
  const suffixes = {
    counter: ["", "_total", "_created"],
    gauge: [""],
    histogram: ["", "_bucket", "_sum", "_count", "_created"],
  }[type];
  return suffixes.map((suffix) => base + suffix);
}
