import { trace } from "@opentelemetry/api";
import { type Check, type CheckRun, createPolicy, type Outcome, type PolicyOptions } from "../../src/check.js";
import type { RegisteredCheck } from "../../src/engine/check-entry.js";
import { Engine } from "../../src/engine/engine.js";
import type { Concurrency } from "../../src/engine/slots.js";
import type { CheckIdentity, RecordSink, RunRecord, StatusChange } from "../../src/signals/record.js";
import type { TracingOptions } from "../../src/signals/run-span.js";
import { FakeClock } from "./fake-clock.js";

export const untraced: TracingOptions = {
  tracer: trace.getTracer("test"),
  successRatio: 1,
  hasPhaseSpans: false,
  propagates: true,
  scrub: (text) => text,
};

/** Keeps what it was told. */
export class RecordingSink implements RecordSink {
  readonly added: string[] = [];
  readonly removedChecks: string[] = [];
  readonly runs: RunRecord[] = [];
  readonly statuses: [string, string][] = [];
  readonly serviceStatuses: string[] = [];
  orphans = 0;
  missedRuns = 0;
  readonly lags: number[] = [];

  checkAdded({ policy }: CheckIdentity): void {
    this.added.push(policy.name);
  }
  checkRemoved({ policy }: CheckIdentity): void {
    this.removedChecks.push(policy.name);
  }
  run(record: RunRecord): void {
    this.runs.push(record);
  }
  checkStatus({ policy }: CheckIdentity, status: string): void {
    this.statuses.push([policy.name, status]);
  }
  serviceStatus(status: string): void {
    this.serviceStatuses.push(status);
  }
  orphaned(): void {
    this.orphans++;
  }
  missed(runs: number): void {
    this.missedRuns += runs;
  }
  lag(seconds: number): void {
    this.lags.push(seconds);
  }
}

export interface ScriptedRun {
  readonly atMs: number;
  readonly run: CheckRun;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** A check that answers when its test says so, or by `answer`. */
export class ScriptedCheck implements Check {
  readonly runs: ScriptedRun[] = [];
  closed = 0;

  constructor(
    private readonly clock: FakeClock,
    private readonly answer?: (run: CheckRun, count: number) => Promise<Outcome> | Outcome,
  ) {}

  run(run: CheckRun): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.runs.push({ atMs: this.clock.monotonic(), run, resolve, reject });
      if (!this.answer) return;
      Promise.resolve()
        .then(() => this.answer?.(run, this.runs.length) ?? { status: "healthy" as const })
        .then(resolve, reject);
    });
  }

  async close(): Promise<void> {
    this.closed++;
  }

  get last(): ScriptedRun {
    const last = this.runs.at(-1);
    if (!last) throw new Error("the check has not run");
    return last;
  }

  get gapsMs(): number[] {
    return this.runs.slice(1).map((run, index) => run.atMs - (this.runs[index]?.atMs ?? 0));
  }
}

const scriptedKind = { kind: "scripted", defaults: { intervalMs: 10_000, timeoutMs: 2_000 } };

export function registered(name: string, check: Check, own: PolicyOptions = {}): RegisteredCheck {
  const policy = createPolicy(name, scriptedKind, own);
  return { identity: { policy, facts: {}, hasOpenFacts: true }, check, isResources: false };
}

export interface Bench {
  readonly clock: FakeClock;
  readonly sink: RecordingSink;
  readonly changes: StatusChange[];
  readonly engine: Engine;
}

export function createBench(concurrency: Concurrency = { max: 256, perKind: {} }, scrub = untraced.scrub): Bench {
  const clock = new FakeClock();
  const sink = new RecordingSink();
  const changes: StatusChange[] = [];
  const engine = new Engine({
    clock,
    instance: "bench",
    concurrency,
    tracing: { ...untraced, scrub },
    sink,
    onChange: (change) => changes.push(change),
    onNews: () => {},
  });
  return { clock, sink, changes, engine };
}
