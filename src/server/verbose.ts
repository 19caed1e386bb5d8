import type { DependencyReport, Report } from "../health/report.js";
import type { EndpointName } from "./routes.js";

export interface VerboseOptions {
  readonly endpoint: EndpointName;
  readonly report: Report;
  readonly hasPassed: boolean;
  readonly isPassing: (check: DependencyReport) => boolean;
  /** Checks left out by `?exclude=`. */
  readonly excluded: readonly string[];
  /** Names in `?exclude=` that no check has. */
  readonly unknown: readonly string[];
}

/** The text that `?verbose` gives on the Kubernetes API server's own probes, for whoever parses or greps that. */
export function verboseText(options: VerboseOptions): string {
  const { endpoint, report, hasPassed, isPassing, excluded, unknown } = options;
  const lines = Object.entries(report.dependencies).map(([name, check]) => line(name, isPassing(check)));
  lines.push(...excluded.map((name) => `[+]${name} excluded: ok`));
  if (report.phase === "draining" && endpoint === "readyz") lines.push(line("shutdown", false));
  if (unknown.length > 0) {
    lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map(quoted).join(",")}`);
  }
  return [...lines, `${endpoint} check ${hasPassed ? "passed" : "failed"}`, ""].join("\n");
}

const line = (name: string, isPassing: boolean): string =>
  isPassing ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;

const quoted = (name: string): string => JSON.stringify(name);
