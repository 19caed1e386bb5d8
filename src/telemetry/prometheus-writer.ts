import { setImmediate as giveLoopBack } from "node:timers/promises";
import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { DataPoint, Histogram, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Exemplar } from "../signals/counts.js";
import type { ExpositionFormat } from "./exposition-format.js";
import type { DurationPoint } from "./metric-producer.js";
import type { Families, Family, HistogramFamily, NumberFamily } from "./prometheus-families.js";
import { labelName } from "./prometheus-names.js";

/** Longest time that one slice may take; together with turning it into bytes it stays below 2 ms. */
const sliceMs = 0.3;
/** The clock is read once per this many points. */
const pointsPerLook = 8;

/** Writes an exposition in slices and gives the event loop back between them. */
export async function* writeExposition(
  resource: ResourceMetrics["resource"],
  families: Families["families"],
  format: ExpositionFormat,
): AsyncGenerator<Uint8Array> {
  let text = targetInfo(resource.attributes, format);
  let startedAt = performance.now();
  let points = 0;
  for (const family of families) {
    text += header(family, format);
    const write = pointWriter(family, format);
    for (let index = 0; index < family.points.length; index += 1) {
      text += write(index);
      points += 1;
      if (points % pointsPerLook !== 0 || performance.now() - startedAt < sliceMs) continue;
      yield Buffer.from(text);
      text = "";
      await giveLoopBack();
      startedAt = performance.now();
    }
  }
  yield Buffer.from(format === "openmetrics" ? `${text}# EOF\n` : text);
}

/** Who is reporting, and no more: the rest of a resource (command lines, for one) may hold secrets. */
function targetInfo(attributes: Attributes, format: ExpositionFormat): string {
  const chosen = Object.entries(attributes).filter(
    ([key]) => key.startsWith("service.") || key === "deployment.environment.name",
  );
  const [name, type] = format === "openmetrics" ? ["target", "info"] : ["target_info", "gauge"];
  const labels = labelsOf(Object.fromEntries(chosen)).text;
  return `# TYPE ${name} ${type}\n# HELP ${name} Who is reporting.\ntarget_info${labels && `{${labels}}`} 1\n`;
}

function header({ base, type, unit, help }: Family, format: ExpositionFormat): string {
  if (format === "text") {
    const name = type === "counter" ? `${base}_total` : base;
    return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  }
  const unitLine = unit === undefined ? "" : `# UNIT ${base} ${unit}\n`;
  return `# TYPE ${base} ${type}\n${unitLine}# HELP ${base} ${escapeLabelValue(help)}\n`;
}

/** Writes the lines of the point at an index; a series that was written already is left out. */
function pointWriter(family: Family, format: ExpositionFormat): (index: number) => string {
  const written = new Set<string>();
  // Labels tell series apart, unless metrics were merged or characters replaced.
  const isFirst = ({ text, isReplaced }: Labels): boolean =>
    !(isReplaced || family.isMerged) || written.size !== written.add(text).size;
  return family.type === "histogram" ? histogramWriter(family, format, isFirst) : numberWriter(family, isFirst);
}

type IsFirst = (labels: Labels) => boolean;

function numberWriter({ base, type, points }: NumberFamily, isFirst: IsFirst): (index: number) => string {
  const name = type === "counter" ? `${base}_total` : base;
  return (index) => {
    const point = points[index] as DataPoint<number>;
    const labelSet = labelsOf(point.attributes);
    if (!isFirst(labelSet)) return "";
    const labels = labelSet.text;
    return labels === "" ? `${name} ${number(point.value)}\n` : `${name}{${labels}} ${number(point.value)}\n`;
  };
}

function histogramWriter(
  { base, points }: HistogramFamily,
  format: ExpositionFormat,
  isFirst: IsFirst,
): (index: number) => string {
  const bucketName = `${base}_bucket{`;
  return (index) => {
    const point = points[index] as DataPoint<Histogram> & Partial<Pick<DurationPoint, "exemplars">>;
    const labelSet = labelsOf(point.attributes);
    if (!isFirst(labelSet)) return "";
    const labels = labelSet.text;
    const { buckets, sum, count } = point.value;
    const ends = bucketEnds(buckets.boundaries, format);
    const exemplars = format === "openmetrics" ? point.exemplars : undefined;
    const start = labels === "" ? bucketName : `${bucketName}${labels},`;
    let text = "";
    let total = 0;
    for (let bucket = 0; bucket < ends.length; bucket += 1) {
      total += buckets.counts[bucket] ?? 0;
      text += `${start}${ends[bucket]}${total}${exemplarText(exemplars?.[bucket])}\n`;
    }
    const block = labels === "" ? "" : `{${labels}}`;
    return `${text}${base}_sum${block} ${number(sum ?? 0)}\n${base}_count${block} ${count}\n`;
  };
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, spanId, value, atMs } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${number(value)} ${atMs / 1_000}`;
}

const ends: Readonly<Record<ExpositionFormat, WeakMap<readonly number[], readonly string[]>>> = {
  text: new WeakMap(),
  openmetrics: new WeakMap(),
};

/** `le="0.5"} ` of each bucket. OpenMetrics wants whole numbers with a point; the text format never had it. */
function bucketEnds(boundaries: readonly number[], format: ExpositionFormat): readonly string[] {
  let list = ends[format].get(boundaries);
  if (list === undefined) {
    const bound = (value: number): string =>
      format === "openmetrics" && Number.isInteger(value) ? `${value}.0` : number(value);
    list = [...boundaries.filter(Number.isFinite).map(bound), "+Inf"].map((value) => `le="${value}"} `);
    ends[format].set(boundaries, list);
  }
  return list;
}

interface Labels {
  readonly text: string;
  /** Characters were replaced, so that another set may look the same. */
  readonly isReplaced: boolean;
}
const remembered = new WeakMap<Attributes, Labels>();

/** The label block of an attribute set, built once: sets are the same objects at every collection. */
function labelsOf(attributes: Attributes): Labels {
  let labels = remembered.get(attributes);
  if (labels === undefined) {
    const text = buildLabels(attributes);
    labels = { text, isReplaced: text.includes(replacement) };
    remembered.set(attributes, labels);
  }
  return labels;
}

/** Keys that become one label have their values joined by `;`, as Prometheus' own translation does. */
function buildLabels(attributes: Attributes): string {
  const values = new Map<string, string>();
  for (const key of Object.keys(attributes)) {
    const name = labelName(key);
    const value = textOf(attributes[key]);
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before};${value}`);
  }
  return [...values].map(([name, value]) => `${name}="${escapeLabelValue(value)}"`).join(",");
}

function textOf(value: AttributeValue | undefined): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

const replacement = "\ufffd";
const unsafe = /[\\"\n\0]|\p{Surrogate}/u;

/** NUL ends a text for some readers, and a lone surrogate is no Unicode: both become the replacement character. */
function escapeLabelValue(text: string): string {
  return unsafe.test(text) ? escapeHelp(text).replaceAll('"', '\\"') : text;
}

function escapeHelp(text: string): string {
  if (!unsafe.test(text)) return text;
  return text
    .replace(/\0|\p{Surrogate}/gu, replacement)
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : `${value}`;
}
