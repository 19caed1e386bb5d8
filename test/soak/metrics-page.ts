/** What one scrape says of runs. */
export interface MetricsPage {
  readonly lines: number;
  readonly missed: number;
  readonly orphaned: number;
  readonly dropped: number;
  /** Runs by check, and by what they found: `healthy`, `degraded`, or the reason of a failure. */
  readonly runs: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

export function parseMetrics(text: string): MetricsPage {
  const lines = text.split("\n");
  const totals: Record<string, number> = {};
  const runs = new Map<string, Record<string, number>>();
  for (const line of lines) {
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined) continue;
    totals[name] = (totals[name] ?? 0) + Number(value);
    if (name === "health_check_runs_total") noteRuns(runs, labels, Number(value));
  }
  return {
    lines: lines.length,
    missed: totals.health_scheduler_missed_runs_total ?? 0,
    orphaned: totals.health_check_orphaned_runs_total ?? 0,
    dropped: totals.health_telemetry_dropped_total ?? 0,
    runs,
  };
}

function noteRuns(runs: Map<string, Record<string, number>>, labels: string, value: number): void {
  const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
  const ofCheck = runs.get(label("health_check_name")) ?? {};
  const found = label("error_type") || label("health_check_outcome");
  if (value > 0) ofCheck[found] = (ofCheck[found] ?? 0) + value;
  runs.set(label("health_check_name"), ofCheck);
}
