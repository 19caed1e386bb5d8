import type { Attributes } from "@opentelemetry/api";
import { type Facts, type Status, verdicts } from "../check.js";
import { durationBoundsSeconds } from "../semconv.js";
import { type CheckAttributes, createCheckAttributes } from "./check-attributes.js";
import { FactPoints } from "./fact-points.js";
import type { CheckIdentity, RecordSink, RunRecord } from "./record.js";
import { countsTransition } from "./transition.js";

/** One series that only grows. */
export class Tally {
  value = 0;
  constructor(readonly attributes: Attributes) {}
}

/** A kept trace that stands for a bucket: the latest one that fell into it. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  readonly atMs: number;
}

/** One series of durations, in seconds. */
export class DurationTally {
  /** Per bucket, not cumulative; the last one is for what exceeds every bound. */
  readonly counts: number[] = new Array(durationBoundsSeconds.length + 1).fill(0);
  readonly exemplars: (Exemplar | undefined)[] = new Array(durationBoundsSeconds.length + 1).fill(undefined);
  sum = 0;
  count = 0;

  constructor(readonly attributes: Attributes) {}

  add(seconds: number): number {
    const bucket = bucketOf(seconds);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += seconds;
    this.count += 1;
    return bucket;
  }
}

/** The numbers of one check. Read them at once: they change with every run. */
export class CheckCount {
  readonly attributes: CheckAttributes;
  readonly factPoints: FactPoints;
  readonly transitions: Readonly<Record<Status, Tally>>;
  /** By attribute set; `error.type` ones appear with the first such run. */
  readonly runs = new Map<Attributes, Tally>();
  readonly durations = new Map<Attributes, DurationTally>();
  orphanedRuns: Tally | undefined;
  facts: Facts = noFacts;
  lastSuccessMs: number | undefined;
  private hasResult = false;

  constructor(
    readonly check: CheckIdentity,
    public status: Status,
    /** Epoch milliseconds; what its counters count from. */
    readonly sinceMs: number,
  ) {
    this.attributes = createCheckAttributes(check);
    this.factPoints = new FactPoints(check, this.attributes);
    const transition = (state: Status): Tally => new Tally(this.attributes.transitions[state]);
    this.transitions = {
      healthy: transition("healthy"),
      degraded: transition("degraded"),
      unhealthy: transition("unhealthy"),
      unknown: transition("unknown"),
    };
    for (const outcome of verdicts) tallyOf(this.runs, this.attributes.outcomes[outcome]);
  }

  run(record: RunRecord): void {
    if (record.durationMs !== undefined) this.countRun(record, record.durationMs / 1_000);
    this.moveTo(record.previousStatus, record.status);
    this.hasResult = true;
    this.facts = record.facts;
    this.lastSuccessMs = record.lastSuccessMs ?? this.lastSuccessMs;
  }

  /** A change without a result: there is nothing fresh to say about the check any more. */
  changeStatus(status: Status): void {
    this.moveTo(this.status, status);
    this.facts = noFacts;
  }

  orphaned(): void {
    this.orphanedRuns ??= new Tally(this.attributes.check);
    this.orphanedRuns.value += 1;
  }

  private moveTo(from: Status, to: Status): void {
    if (countsTransition(from, to, !this.hasResult)) this.transitions[to].value += 1;
    this.status = to;
  }

  private countRun(record: RunRecord, seconds: number): void {
    const reason = record.outcome === "unhealthy" ? (record.reason ?? "internal") : undefined;
    const { check, outcomes } = this.attributes;
    const runAttributes = reason === undefined ? outcomes[record.outcome] : this.attributes.failedRuns(reason);
    const durationAttributes = reason === undefined ? check : this.attributes.failedDuration(reason);
    tallyOf(this.runs, runAttributes).value += 1;
    let duration = this.durations.get(durationAttributes);
    if (duration === undefined) {
      duration = new DurationTally(durationAttributes);
      this.durations.set(durationAttributes, duration);
    }
    const bucket = duration.add(seconds);
    const { traceId, spanId, atMs } = record;
    if (traceId !== undefined && spanId !== undefined) {
      duration.exemplars[bucket] = { traceId, spanId, value: seconds, atMs };
    }
  }
}

/** The record stream kept as plain numbers beside the state: a run costs a bucket and a counter, whoever collects pays the rest. */
export class CheckCounts implements RecordSink {
  readonly lagSeconds = new DurationTally({});
  readonly missedRuns = new Tally({});
  readonly sinceMs: number;
  status: Status = "unknown";
  /** What `health.agent.info` says; nothing until somebody tells. */
  agentInfo: Attributes | undefined;
  private readonly byName = new Map<string, CheckCount>();

  constructor(private readonly now: () => number = Date.now) {
    this.sinceMs = now();
  }

  checks(): Iterable<CheckCount> {
    return this.byName.values();
  }

  /** False once its check was removed or replaced. */
  has(count: CheckCount): boolean {
    return this.byName.get(count.check.policy.name) === count;
  }

  checkAdded(check: CheckIdentity, status: Status, lastSuccessMs?: number): void {
    const count = new CheckCount(check, status, this.now());
    count.lastSuccessMs = lastSuccessMs;
    this.byName.set(check.policy.name, count);
  }

  /** A check that a reload has replaced under its name is gone already. */
  checkRemoved(check: CheckIdentity): void {
    if (this.countOf(check)) this.byName.delete(check.policy.name);
  }

  run(record: RunRecord): void {
    this.countOf(record.check)?.run(record);
  }

  checkStatus(check: CheckIdentity, status: Status): void {
    this.countOf(check)?.changeStatus(status);
  }

  serviceStatus(status: Status): void {
    this.status = status;
  }

  orphaned(check: CheckIdentity): void {
    this.countOf(check)?.orphaned();
  }

  missed(runs: number): void {
    this.missedRuns.value += runs;
  }

  lag(seconds: number): void {
    this.lagSeconds.add(seconds);
  }

  private countOf(check: CheckIdentity): CheckCount | undefined {
    const count = this.byName.get(check.policy.name);
    return count?.check === check ? count : undefined;
  }
}

const noFacts: Facts = {};

function tallyOf(tallies: Map<Attributes, Tally>, attributes: Attributes): Tally {
  let tally = tallies.get(attributes);
  if (tally === undefined) {
    tally = new Tally(attributes);
    tallies.set(attributes, tally);
  }
  return tally;
}

/** Bounds are inclusive upper ones, as OpenTelemetry has them. */
function bucketOf(seconds: number): number {
  let bucket = 0;
  while (bucket < durationBoundsSeconds.length && seconds > (durationBoundsSeconds[bucket] ?? 0)) bucket += 1;
  return bucket;
}
