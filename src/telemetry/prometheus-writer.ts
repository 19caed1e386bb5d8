import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Exemplar } from "../signals/counts.js";
import type { ExpositionFormat } from "./exposition-format.js";
import type { HistogramPoint, PutNumber } from "./exposition-points.js";
import type { Families, Family, HistogramFamily, NumberFamily } from "./prometheus-families.js";
import { labelName } from "./prometheus-names.js";
import { Slice } from "./slice.js";

/** Longest time that one slice may take; together with turning it into bytes it stays below 2 ms. */
const sliceMs = 0.3;
/** The clock is read once per this many indexes, which are points or checks. */
const visitsPerLook = 4;

/** Writes an exposition in slices and gives the event loop back between them. */
export async function* writeExposition(
  resource: ResourceMetrics["resource"],
  families: Families["families"],
  format: ExpositionFormat,
): AsyncGenerator<Uint8Array> {
  let text = targetInfo(resource.attributes, format);
  const slice = new Slice(sliceMs, visitsPerLook);
  for (const family of families) {
    let pending = header(family, format);
    // A family of which there turns out to be no point has no header either.
    const write = familyWriter(family, format, (lines) => {
      text += pending + lines;
      pending = "";
    });
    for (let index = 0; index < write.length; index += 1) {
      write.visit(index);
      if (!slice.isOver()) continue;
      if (text !== "") yield Buffer.from(text);
      text = "";
      await slice.next();
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

interface FamilyWriter {
  readonly length: number;
  visit(index: number): void;
}

/** Puts the lines of what there is at an index; a series that was written already is left out. */
function familyWriter(family: Family, format: ExpositionFormat, put: (lines: string) => void): FamilyWriter {
  const written = new Set<string>();
  const isMerged = family.parts.length > 1;
  // Labels tell series apart, unless metrics were merged or characters replaced.
  const isFirst = ({ text, isReplaced }: Labels): boolean =>
    !(isReplaced || isMerged) || written.size !== written.add(text).size;
  if (family.type === "histogram") return visitor(family.parts, histogramWriter(family, format, isFirst, put));
  return visitor(family.parts, numberWriter(family, isFirst, put));
}

interface Part<Put> {
  readonly length: number;
  visit(index: number, put: Put): void;
}

/** The parts one after another, as if they were one. */
function visitor<Put>(parts: readonly Part<Put>[], put: Put): FamilyWriter {
  let [part, start] = [0, 0];
  return {
    length: parts.reduce((sum, { length }) => sum + length, 0),
    visit(index) {
      for (let current = parts[part]; current; current = parts[part]) {
        if (index - start < current.length) return current.visit(index - start, put);
        start += current.length;
        part += 1;
      }
    },
  };
}

type IsFirst = (labels: Labels) => boolean;

function numberWriter({ base, type }: NumberFamily, isFirst: IsFirst, put: (lines: string) => void): PutNumber {
  const name = type === "counter" ? `${base}_total` : base;
  return (attributes, value) => {
    const labels = labelsOf(attributes);
    if (!isFirst(labels)) return;
    put(labels.text === "" ? `${name} ${number(value)}\n` : `${name}{${labels.text}} ${number(value)}\n`);
  };
}

function histogramWriter(
  { base }: HistogramFamily,
  format: ExpositionFormat,
  isFirst: IsFirst,
  put: (lines: string) => void,
): (point: HistogramPoint) => void {
  const bucketName = `${base}_bucket{`;
  return ({ attributes, boundaries, counts, sum, count, exemplars }) => {
    const labelSet = labelsOf(attributes);
    if (!isFirst(labelSet)) return;
    const labels = labelSet.text;
    const ends = bucketEnds(boundaries, format);
    const start = labels === "" ? bucketName : `${bucketName}${labels},`;
    let text = "";
    let total = 0;
    for (let bucket = 0; bucket < ends.length; bucket += 1) {
      total += counts[bucket] ?? 0;
      const exemplar = format === "openmetrics" ? exemplarText(exemplars?.[bucket]) : "";
      text += `${start}${ends[bucket]}${total}${exemplar}\n`;
    }
    const block = labels === "" ? "" : `{${labels}}`;
    put(`${text}${base}_sum${block} ${number(sum)}\n${base}_count${block} ${count}\n`);
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
