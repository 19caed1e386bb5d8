import type { Attributes } from "@opentelemetry/api";
import type { FactMetric, FactRow, Facts, FactValue } from "../check.js";
import { maxItems } from "../semconv.js";
import type { CheckAttributes } from "./check-attributes.js";
import type { Descriptor } from "./descriptors.js";
import type { CheckIdentity } from "./record.js";

export type PutFact = (attributes: Attributes, value: number) => void;
export type ObserveFact = (descriptor: Descriptor, value: number, attributes: Attributes) => void;

/** One metric that a check's facts may become. */
interface FactSeries {
  readonly fact: string;
  readonly descriptor: Descriptor;
  readonly scale: number;
  /** For a fact that is a list of rows: the field that names a row, and the field that is measured. */
  readonly row?: { readonly key: string; readonly field: string };
}

/** A metric that facts may become, by the series that feed it; the same object for all checks of a kind. */
export interface FactFamily {
  readonly descriptor: Descriptor;
  /** Absent for the family of whatever an open kind brings undeclared. */
  readonly series?: readonly FactSeries[];
}

type Items = Map<string, Attributes>;

/**
 * Turns the facts of a check's last run into gauge points: declared scale applied, booleans as 0 and 1, rows of a list
 * by `health.check.item`, at most 50 of them, undeclared facts of an open kind as `health.<kind>.value`. What the last
 * run did not bring gives no point.
 */
export class FactPoints {
  /** Every metric these points can belong to. */
  readonly families: readonly FactFamily[];
  private facts: Facts | undefined;
  private items: Items | undefined;
  private itemsBefore: Items | undefined;

  constructor(
    private readonly check: CheckIdentity,
    private readonly attributes: CheckAttributes,
  ) {
    this.families = familiesOf(check);
  }

  observe(facts: Facts, observe: ObserveFact): void {
    for (const family of this.families) {
      this.visit(family, facts, (attributes, value) => observe(family.descriptor, value, attributes));
    }
  }

  /** The points of one of the families. */
  visit({ series }: FactFamily, facts: Facts, put: PutFact): void {
    this.turnTo(facts);
    if (series === undefined) this.visitOpen(facts, put);
    for (const each of series ?? []) {
      const value = facts[each.fact];
      if (value === undefined) continue;
      if (each.row) this.visitRows(each, each.row, value, put);
      else putNumber(each, value, this.attributes.check, put);
    }
  }

  private visitRows(series: FactSeries, row: NonNullable<FactSeries["row"]>, value: FactValue, put: PutFact): void {
    if (!Array.isArray(value)) return;
    const names = new Set<string>();
    for (const candidate of value as readonly (FactRow | string)[]) {
      if (names.size === maxItems) return;
      const name = typeof candidate === "object" ? candidate[row.key] : undefined;
      if (name === undefined || name === null || names.has(String(name))) continue;
      names.add(String(name));
      const measured = (candidate as FactRow)[row.field];
      if (measured !== null && measured !== undefined) putNumber(series, measured, this.item(String(name)), put);
    }
  }

  private visitOpen(facts: Facts, put: PutFact): void {
    let count = 0;
    for (const name in facts) {
      if (count === maxItems) return;
      const value = Object.hasOwn(this.check.facts, name) ? undefined : numberOf(facts[name]);
      if (value === undefined) continue;
      put(this.item(name), value);
      count += 1;
    }
  }

  /** Only items of this run and the one before are remembered: they come and go, and memory must not grow with them. */
  private turnTo(facts: Facts): void {
    if (facts === this.facts) return;
    this.facts = facts;
    this.itemsBefore = this.items;
    this.items = undefined;
  }

  private item(name: string): Attributes {
    this.items ??= new Map();
    let attributes = this.items.get(name);
    if (attributes === undefined) {
      attributes = this.itemsBefore?.get(name) ?? this.attributes.item(name);
      this.items.set(name, attributes);
    }
    return attributes;
  }
}

/** By the kind's declaration: one for each check would be 1.4 KB of each. */
const knownFamilies = new WeakMap<CheckIdentity["facts"], Map<string, readonly FactFamily[]>>();

function familiesOf({ facts, hasOpenFacts, policy }: CheckIdentity): readonly FactFamily[] {
  const known = knownFamilies.get(facts) ?? new Map<string, readonly FactFamily[]>();
  knownFamilies.set(facts, known);
  const openKind = hasOpenFacts ? policy.kind : "";
  const families = known.get(openKind) ?? [
    ...declaredFamilies(facts),
    ...(hasOpenFacts ? [{ descriptor: openDescriptor(policy.kind) }] : []),
  ];
  known.set(openKind, families);
  return families;
}

function declaredFamilies(facts: CheckIdentity["facts"]): readonly FactFamily[] {
  const byName = new Map<string, FactSeries[]>();
  for (const series of factSeries(facts)) {
    const { name } = series.descriptor;
    byName.set(name, [...(byName.get(name) ?? []), series]);
  }
  return [...byName.values()].flatMap((series) => (series[0] ? [{ descriptor: series[0].descriptor, series }] : []));
}

function factSeries(facts: CheckIdentity["facts"]): readonly FactSeries[] {
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

function putNumber(series: FactSeries, value: FactValue, attributes: Attributes, put: PutFact): void {
  const number = numberOf(value);
  if (number !== undefined) put(attributes, number * series.scale);
}

function numberOf(value: FactValue | undefined): number | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
