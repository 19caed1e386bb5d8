import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import type { FamilyType } from "./prometheus-names.js";
import { familyName } from "./prometheus-names.js";

interface Named {
  /** Without `_total`. */
  readonly base: string;
  readonly unit: string | undefined;
  readonly help: string;
  /** Several metrics became this family, so that it may have a series twice. */
  isMerged?: boolean;
}
export interface NumberFamily extends Named {
  readonly type: "counter" | "gauge";
  points: readonly DataPoint<number>[];
}
export interface HistogramFamily extends Named {
  readonly type: "histogram";
  points: readonly DataPoint<Histogram>[];
}
export type Family = NumberFamily | HistogramFamily;

export interface Families {
  readonly families: readonly Family[];
  /** Metrics whose translated names would clash with another's, in one line each; they are left out. */
  readonly refused: readonly string[];
}

/**
 * Gathers metrics of all scopes into families by their Prometheus names. Metrics that become one family are merged
 * when they are of one type; those that would break the exposition are refused.
 */
export function toFamilies(scopes: readonly ScopeMetrics[]): Families {
  const families = new Map<string, Family>();
  const taken = new Map<string, string>();
  const refused: string[] = [];
  for (const { metrics } of scopes) {
    for (const data of metrics) {
      if (data.dataPoints.length === 0) continue;
      const family = toFamily(data);
      if (family === undefined) {
        refused.push(`${data.descriptor.name}: no Prometheus type for it`);
        continue;
      }
      const existing = families.get(family.base);
      const clash = sampleNames(family).find((name) => (taken.get(name) ?? family.base) !== family.base);
      if (clash !== undefined || (existing && existing.type !== family.type)) {
        refused.push(`${data.descriptor.name}: ${clash ?? family.base} is another metric's name`);
        continue;
      }
      for (const name of sampleNames(family)) taken.set(name, family.base);
      if (existing) merge(existing, family);
      else families.set(family.base, family);
    }
  }
  return { families: [...families.values()], refused };
}

function toFamily(data: MetricData): Family | undefined {
  const type = typeOf(data);
  if (type === undefined) return undefined;
  const { name, unit, description } = data.descriptor;
  return { ...familyName(name, unit, type), help: description, type, points: data.dataPoints } as Family;
}

function typeOf(data: MetricData): FamilyType | undefined {
  if (data.dataPointType === DataPointType.HISTOGRAM) return "histogram";
  if (data.dataPointType === DataPointType.SUM) return data.isMonotonic ? "counter" : "gauge";
  return data.dataPointType === DataPointType.GAUGE ? "gauge" : undefined;
}

function merge(into: Family, from: Family): void {
  into.isMerged = true;
  into.points = [...into.points, ...from.points] as typeof into.points & typeof from.points;
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
