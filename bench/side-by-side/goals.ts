import { median } from "../machine/summary.js";
import type { FigureName } from "./figures.js";
import type { Results } from "./row.js";
import { mostStarts, scenarios } from "./scenarios.js";
import { valuesOf } from "./table.js";

/** What ours is to reach on one core of this kind of machine, every run traced, metrics and OTLP on, `/metrics` scraped. */
export interface Goal {
  readonly scenario: string;
  readonly figure: FigureName;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** The limit is on what it is more than this figure of the same system: `[scenario, figure]`. */
  readonly above?: readonly [string, FigureName];
  /** Under Node 24, whose `node:http` costs a third more. */
  readonly onNode24?: number;
}

function burst(scenario: string, figure: "burstStart" | "burstStall"): Goal {
  const found = scenarios.find(({ name }) => name === scenario);
  return { scenario, figure, atMost: found?.measures === "load" ? mostStarts(found.loads) : 10 };
}

export const goals: readonly Goal[] = [
  { scenario: "http-200-1s", figure: "cpuPercent", atMost: 8 },
  { scenario: "http-200-1s", figure: "p99", atMost: 5 },
  { scenario: "http-1000-1s", figure: "cpuPercent", atMost: 18, onNode24: 20 },
  { scenario: "http-1000-1s", figure: "p99", atMost: 8 },
  { scenario: "http-1000-1s", figure: "missed", atMost: 0 },
  { scenario: "http-1000-1s", figure: "rssMb", atMost: 120 },
  burst("http-1000-1s", "burstStart"),
  burst("http-1000-1s", "burstStall"),
  { scenario: "http-1000-10s", figure: "cpuPercent", atMost: 5 },
  { scenario: "http-10000-10s", figure: "cpuPercent", atMost: 25 },
  { scenario: "http-10000-10s", figure: "missed", atMost: 0 },
  { scenario: "http-10000-10s", figure: "p99", atMost: 50 },
  { scenario: "http-10000-10s", figure: "rssMb", atMost: 300 },
  { scenario: "hanging", figure: "p99", atMost: 1, above: ["http-200-1s", "p99"] },
  { scenario: "hanging", figure: "missed", atMost: 0 },
  { scenario: "tcp-1000-1s", figure: "cpuPercent", atMost: 10 },
  { scenario: "postgres-50-1s", figure: "cpuPercent", atMost: 4 },
  { scenario: "inside", figure: "holdMs", atMost: 2 },
  { scenario: "inside", figure: "scrapeMs", atMost: 25 },
  { scenario: "readyz", figure: "shareOfExpress", atLeast: 80 },
  { scenario: "readyz", figure: "p99HangingMs", atMost: 1, above: ["readyz", "p99IdleMs"] },
  { scenario: "start", figure: "livezMs", atMost: 150 },
  { scenario: "start", figure: "upMs", atMost: 300 },
  { scenario: "rest", figure: "rssMb", atMost: 75 },
  { scenario: "rest", figure: "cpuPercent", atMost: 0.2 },
];

export interface Judged {
  readonly goal: Goal;
  readonly limit: number;
  /** Medians of the rounds; what is over the other figure, where the goal says so. */
  readonly reached: number;
  readonly isReached: boolean;
}

/** The goals that the results say something about, for one system of ours. */
export function judge({ rows }: Results, system: string): readonly Judged[] {
  const medianOf = (scenario: string, figure: FigureName): number =>
    median(
      valuesOf(
        rows.filter((row) => row.scenario === scenario && row.system === system),
        figure,
      ),
    );
  return goals.flatMap((goal) => {
    const reached = medianOf(goal.scenario, goal.figure) - (goal.above ? medianOf(...goal.above) : 0);
    const limit = (/-node24$/.test(system) ? goal.onNode24 : undefined) ?? goal.atMost ?? goal.atLeast ?? 0;
    const isReached = goal.atLeast === undefined ? reached <= limit : reached >= limit;
    return Number.isNaN(reached) ? [] : [{ goal, limit, reached, isReached }];
  });
}
