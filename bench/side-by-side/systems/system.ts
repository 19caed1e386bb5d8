import type { Load } from "../scenarios.js";

/** A check as every system is given it. */
export interface BenchCheck extends Load {
  readonly name: string;
  /** `http://…` or `postgres://…`; for TCP `host:port`. */
  readonly target: string;
}

export interface Surroundings {
  /** Its own, for configuration and data. */
  readonly folder: string;
  /** Checks, in runs of equal ones. */
  readonly checks: readonly BenchCheck[];
  /** Where OTLP may go. */
  readonly sinkUrl: string;
  freePort(): Promise<number>;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a system runs a load. */
export interface Plan {
  /** Every process that it needs; all are counted. */
  readonly programs: readonly Program[];
  /** All answer 200: it has begun to serve. */
  readonly aliveUrls: readonly string[];
  /** All answer 200: everything of it is up. */
  readonly upUrls: readonly string[];
  /** Scraped while it is measured. Prometheus scrapes by itself. */
  readonly metricsUrl?: string;
  /** Until every check has run, and the start is over. */
  readonly warmUpSeconds: number;
}

/** What is measured. One file each; `systems.ts` is the list. */
export interface System {
  /** As the results and `--systems` name it. */
  readonly name: string;
  readonly label: string;
  /** As its own program says. */
  readonly version: string;
  /** Healthspan only: the Node that it runs under. */
  readonly node?: string;
  /** Why it cannot run these checks; undefined when it can. */
  cannot(checks: readonly BenchCheck[]): string | undefined;
  plan(surroundings: Surroundings): Promise<Plan>;
}

/** The checks by load, each of which is one job or probe of the peers. */
export function byLoad(checks: readonly BenchCheck[]): readonly (readonly [BenchCheck, ...BenchCheck[]])[] {
  const groups = new Map<string, [BenchCheck, ...BenchCheck[]]>();
  for (const check of checks) {
    const key = `${check.kind} ${check.intervalMs} ${check.timeoutMs}`;
    const group = groups.get(key);
    if (group) group.push(check);
    else groups.set(key, [check]);
  }
  return [...groups.values()];
}

export const longestIntervalSeconds = (checks: readonly BenchCheck[]): number =>
  checks.reduce((longest, { intervalMs }) => Math.max(longest, intervalMs), 0) / 1_000;

/** Why a system of these kinds only cannot run the checks. */
export function lacksKind(kinds: readonly Load["kind"][], checks: readonly BenchCheck[]): string | undefined {
  const missing = checks.find(({ kind }) => !kinds.includes(kind));
  return missing && `it has no checks of kind ${missing.kind}`;
}
