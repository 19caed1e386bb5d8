import type { CheckKind, FactMetric } from "../src/check.js";
import { familyName } from "../src/telemetry/prometheus-names.js";
import { table } from "./option-table.js";

interface MetricRow {
  readonly metric: FactMetric;
  readonly fact: string;
  readonly description: string;
}

function metricsOf({ kind, facts, hasOpenFacts }: CheckKind): readonly MetricRow[] {
  const declared = Object.entries(facts).flatMap(([fact, { metric, items, description }]) => [
    ...(metric ? [{ metric, fact, description }] : []),
    ...Object.entries(items?.metrics ?? {}).map(([field, rowMetric]) => ({
      metric: rowMetric,
      fact: `${fact}[].${field}`,
      description,
    })),
  ]);
  const open = { metric: { name: `health.${kind}.value`, unit: "" }, fact: "any other", description: "By item." };
  return hasOpenFacts ? [...declared, open] : declared;
}

/** Every gauge that a fact of these kinds becomes, with its Prometheus name. */
export function metricTable(kinds: readonly CheckKind[]): string {
  const rows = kinds.flatMap((kind) =>
    metricsOf(kind).map(({ metric, fact, description }) => [
      `\`${metric.name}\``,
      metric.unit === "" ? "" : `\`${metric.unit}\``,
      `\`${familyName(metric.name, metric.unit, "gauge").base}\``,
      `[\`${kind.kind}\`](kinds/${kind.kind}.md) \`${fact}\``,
      metric.description ?? description,
    ]),
  );
  return table(
    ["gauge", "unit", "Prometheus name", "from", ""],
    rows.sort((a, b) => ((a[0] ?? "") < (b[0] ?? "") ? -1 : 1)),
  );
}
