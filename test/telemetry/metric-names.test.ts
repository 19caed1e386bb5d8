import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FactMetric } from "../../src/check.js";
import { kinds } from "../../src/kinds/index.js";
import { descriptors } from "../../src/signals/descriptors.js";
import { familyName } from "../../src/telemetry/prometheus-names.js";

const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
const counters = new Set<string>([
  descriptors.checkRuns.name,
  descriptors.checkTransitions.name,
  descriptors.checkOrphanedRuns.name,
  descriptors.probeRequests.name,
  descriptors.schedulerMissedRuns.name,
  descriptors.telemetryDropped.name,
]);

interface DeclaredMetric extends FactMetric {
  readonly from: string;
  readonly isBoolean: boolean;
}
const declared: readonly DeclaredMetric[] = kinds.flatMap(({ kind, facts }) =>
  Object.entries(facts).flatMap(([fact, { type, metric, items }]) =>
    [...(metric ? [metric] : []), ...Object.values(items?.metrics ?? {})].map((one) => ({
      ...one,
      from: `${kind}.${fact}`,
      isBoolean: type === "boolean",
    })),
  ),
);

describe("the metrics page", () => {
  it.each(Object.values(descriptors))("has a row for $name", ({ name, unit }) => {
    const { base } = familyName(name, unit, "gauge");
    const prometheus = counters.has(name) ? `${base}_total` : base;
    const row = page.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toContain(`\`${prometheus}\``);
  });
});

describe("the metrics of facts", () => {
  it("are declared by some kind", () => {
    expect(declared.length).toBeGreaterThan(10);
  });

  it("have names of their own in Prometheus, ours included", () => {
    const owners = new Map<string, string>(
      Object.values(descriptors).map(({ name, unit }) => [familyName(name, unit, "gauge").base, name]),
    );
    const clashes = declared.flatMap(({ name, unit, from }) => {
      const { base } = familyName(name, unit, "gauge");
      const owner = owners.get(base);
      owners.set(base, from);
      return owner === undefined ? [] : [`${base}: ${owner} and ${from}`];
    });
    expect(clashes).toEqual([]);
  });

  it("are named after their kind", () => {
    const strangers = declared.filter(({ name, from }) => !name.startsWith(`health.${from.split(".")[0]}.`));
    expect(strangers.map(({ name, from }) => `${from}: ${name}`)).toEqual([]);
  });

  it("carry no unit when they are 0 or 1, or Prometheus would call them a ratio", () => {
    expect(declared.filter(({ isBoolean, unit }) => isBoolean && unit !== "").map(({ from }) => from)).toEqual([]);
  });
});
