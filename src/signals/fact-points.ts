import type { Attributes } from "@opentelemetry/api";
import type { FactMetric, FactRow, Facts, FactValue } from "../check.js";
import { maxItems } from "../semconv.js";
import type { CheckAttributes } from "./check-attributes.js";
import type { Descriptor } from "./descriptors.js";
import type { CheckIdentity } from "./record.js";

export type ObserveFact = (descriptor: Descriptor, value: number, attributes: Attributes) => void;

/** One metric that a check's facts may become. */
interface FactSeries {
  readonly fact: string;
  readonly descriptor: Descriptor;
  readonly scale: number;
  /** For a fact that is a list of rows: the field that names a row, and the field that is measured. */
  readonly row?: { readonly key: string; readonly field: string };
}

/**
 * Turns the facts of a check's last run into gauge points: declared scale applied, booleans as 0 and 1, rows of a list
 * by `health.check.item`, at most 50 of them, undeclared facts of an open kind as `health.<kind>.value`. What the last
 * run did not bring gives no point.
 */
export class FactPoints {
  private readonly series: readonly FactSeries[];
  private readonly open: Descriptor | undefined;
  private items = new Map<string, Attributes>();

  constructor(
    private readonly check: CheckIdentity,
    private readonly attributes: CheckAttributes,
  ) {
    this.series = factSeries(check);
    this.open = check.hasOpenFacts ? openDescriptor(check.policy.kind) : undefined;
  }

  /** Every metric these points can belong to. */
  get descriptors(): readonly Descriptor[] {
    const declared = this.series.map((series) => series.descriptor);
    return this.open ? [...declared, this.open] : declared;
  }

  observe(facts: Facts, observe: ObserveFact): void {
    const seen = new Map<string, Attributes>();
    for (const series of this.series) {
      const value = facts[series.fact];
      if (value === undefined) continue;
      if (series.row) this.observeRows(series, series.row, value, seen, observe);
      else observeNumber(series, value, this.attributes.check, observe);
    }
    if (this.open) this.observeOpen(this.open, facts, seen, observe);
    // Only what was there this time is remembered: items come and go, and memory must not grow with them.
    this.items = seen;
  }

  private observeRows(
    series: FactSeries,
    row: NonNullable<FactSeries["row"]>,
    value: FactValue,
    seen: Map<string, Attributes>,
    observe: ObserveFact,
  ): void {
    if (!Array.isArray(value)) return;
    const names = new Set<string>();
    for (const candidate of value as readonly (FactRow | string)[]) {
      if (names.size === maxItems) return;
      const name = typeof candidate === "object" ? candidate[row.key] : undefined;
      if (name === undefined || name === null || names.has(String(name))) continue;
      names.add(String(name));
      const measured = (candidate as FactRow)[row.field];
      if (measured !== null && measured !== undefined) {
        observeNumber(series, measured, this.item(String(name), seen), observe);
      }
    }
  }

  private observeOpen(descriptor: Descriptor, facts: Facts, seen: Map<string, Attributes>, observe: ObserveFact): void {
    let count = 0;
    for (const name in facts) {
      if (count === maxItems) return;
      const value = Object.hasOwn(this.check.facts, name) ? undefined : numberOf(facts[name]);
      if (value === undefined) continue;
      observe(descriptor, value, this.item(name, seen));
      count += 1;
    }
  }

  private item(name: string, seen: Map<string, Attributes>): Attributes {
    const attributes = seen.get(name) ?? this.items.get(name) ?? this.attributes.item(name);
    seen.set(name, attributes);
    return attributes;
  }
}

function factSeries({ facts }: CheckIdentity): readonly FactSeries[] {
  return Object.entries(facts).flatMap(([fact, { description, metric, items }]) => {
    const own = metric ? [{ fact, ...measured(metric, description) }] : [];
    const rows = Object.entries(items?.metrics ?? {}).map(([field, rowMetric]) => ({
      fact,
      ...measured(rowMetric, description),
      row: { key: items?.key ?? "name", field },
    }));
    return [...own, ...rows];
  });
}

function measured(metric: FactMetric, ofFact: string): { descriptor: Descriptor; scale: number } {
  const { name, unit, scale = 1, description = ofFact } = metric;
  return { descriptor: { name, unit, description }, scale };
}

function openDescriptor(kind: string): Descriptor {
  return { name: `health.${kind}.value`, unit: "", description: "Values that the check reports, by their names." };
}

function observeNumber(series: FactSeries, value: FactValue, attributes: Attributes, observe: ObserveFact): void {
  const number = numberOf(value);
  if (number !== undefined) observe(series.descriptor, number * series.scale, attributes);
}

function numberOf(value: FactValue | undefined): number | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
