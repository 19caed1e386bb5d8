/** Checks of one kind at one interval, all alike but for the target. */
export interface Load {
  readonly kind: "http" | "tcp" | "postgres";
  readonly checks: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Their targets answer when it is too late. */
  readonly isHanging?: boolean;
}

interface Described {
  readonly name: string;
  readonly title: string;
}

/** A load that is watched from outside for a while. The figures are those of its first part. */
export interface LoadScenario extends Described {
  readonly measures: "load";
  readonly loads: readonly [Load, ...Load[]];
  readonly windowSeconds: number;
  /** All systems run for so long before the window, after their start. V8 has not compiled yet what it saw too rarely. */
  readonly settleSeconds?: number;
  /** Then every process is stopped for so long: what falls due meanwhile must not start all at once. */
  readonly stallSeconds?: number;
  /** Systems that one core does not suffice for, with what they are given. */
  readonly cores?: Readonly<Record<string, number>>;
}

/** One that has a measurement of its own. */
export interface OtherScenario extends Described {
  readonly measures: "start" | "readyz" | "inside";
}

export type Scenario = LoadScenario | OtherScenario;

function load(kind: Load["kind"], checks: number, intervalMs: number): Load {
  return { kind, checks, intervalMs, timeoutMs: Math.min(5_000, intervalMs * 0.9) };
}

const hanging: Load = { kind: "http", checks: 10, intervalMs: 10_000, timeoutMs: 5_000, isHanging: true };

/** Every row of the goals (`goals.ts`). */
export const scenarios: readonly Scenario[] = [
  {
    name: "http-200-1s",
    title: "200 HTTP checks × 1 s",
    measures: "load",
    loads: [load("http", 200, 1_000)],
    windowSeconds: 30,
  },
  {
    name: "http-1000-1s",
    title: "1,000 HTTP checks × 1 s",
    measures: "load",
    loads: [load("http", 1_000, 1_000)],
    windowSeconds: 30,
    stallSeconds: 3,
    // One saturates: it missed 28,802 of 30,000 runs.
    cores: { blackbox: 2 },
  },
  {
    name: "http-1000-10s",
    title: "1,000 HTTP checks × 10 s",
    measures: "load",
    loads: [load("http", 1_000, 10_000)],
    windowSeconds: 40,
  },
  {
    name: "http-10000-10s",
    title: "10,000 HTTP checks × 10 s",
    measures: "load",
    loads: [load("http", 10_000, 10_000)],
    windowSeconds: 40,
    cores: { blackbox: 2, cloudprober: 2 },
  },
  {
    name: "hanging",
    title: "190 HTTP checks × 1 s, and 10 more whose targets hang (× 10 s, timeout 5 s)",
    measures: "load",
    loads: [load("http", 190, 1_000), hanging],
    windowSeconds: 30,
  },
  {
    name: "tcp-1000-1s",
    title: "1,000 TCP checks × 1 s",
    measures: "load",
    loads: [load("tcp", 1_000, 1_000)],
    windowSeconds: 30,
  },
  {
    name: "postgres-50-1s",
    title: "50 PostgreSQL checks × 1 s, a fresh connection each",
    measures: "load",
    loads: [load("postgres", 50, 1_000)],
    windowSeconds: 30,
    settleSeconds: 120,
  },
  {
    name: "rest",
    title: "at rest: 10 HTTP checks × 30 s",
    measures: "load",
    loads: [load("http", 10, 30_000)],
    windowSeconds: 60,
  },
  { name: "start", title: "from its start until it is up, 10 HTTP checks × 30 s", measures: "start" },
  { name: "readyz", title: "`/readyz` with 50 HTTP checks × 1 s, asked at full speed", measures: "readyz" },
  { name: "inside", title: "inside the process, 1,000 checks", measures: "inside" },
];

export const probesPerSecond = (loads: readonly Load[]): number =>
  loads.reduce((sum, { checks, intervalMs }) => sum + (checks * 1_000) / intervalMs, 0);

/** Most starts in any 10 ms that a load may bring: twice the mean rate, at least ten. */
export const mostStarts = (loads: readonly Load[]): number =>
  Math.max(10, Math.ceil(2 * probesPerSecond(loads) * 0.01));
