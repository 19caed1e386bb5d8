import { describe, expect, it } from "vitest";
import type { FactMetric } from "../../src/check.js";
import { kinds } from "../../src/kinds/index.js";

interface DescribedMetric {
  readonly metric: FactMetric;
  /** What a scrape says it is. */
  readonly help: string;
}

const ownMetrics: readonly DescribedMetric[] = kinds.flatMap(({ facts }) =>
  Object.values(facts).flatMap(({ metric, description }) =>
    metric ? [{ metric, help: metric.description ?? description }] : [],
  ),
);
const itemMetrics = kinds.flatMap(({ facts }) =>
  Object.values(facts).flatMap(({ items }) => Object.values(items?.metrics ?? {})),
);

describe("a fact's metric", () => {
  it("exists in both forms, so that the following say something", () => {
    expect(ownMetrics.length).toBeGreaterThan(20);
    expect(itemMetrics.length).toBeGreaterThan(0);
  });

  it.each(ownMetrics.map(({ metric, help }) => [metric.name, metric.unit, help] as const))(
    "%s (%s) is not described in the unit of its fact: %s",
    (_name, _unit, help) => {
      expect(help).not.toMatch(/1024|\b(days?|percent|milliseconds|ms|[KMG]i?B)\b/i);
    },
  );

  it.each(itemMetrics.map(({ name, description }) => [name, description] as const))(
    "%s says what it is of one item, not what the list is of",
    (_name, description) => {
      expect(description).toBeDefined();
    },
  );
});
