import { type Check, CheckFailure, type CheckPolicy, type Reason } from "../check.js";
import { Census } from "../health/census.js";
import { carriedOver } from "../health/state.js";
import type { RecordSink, StatusChange } from "../signals/record.js";
import { CheckTracer, type TracingOptions } from "../signals/run-span.js";
import { ActiveRun, type Ending } from "./active-run.js";
import { Budgets, type Purse } from "./budget.js";
import { failingGapMs, gridFor, gridMs, nextPhaseTime, startSpreadMs } from "./cadence.js";
import { CheckEntry, idle, type RegisteredCheck } from "./check-entry.js";
import { atMost, type Clock } from "./clock.js";
import { Closing } from "./closing.js";
import { Deadlines } from "./deadlines.js";
import { type EndedRun, ResultFolder } from "./result-folder.js";
import { Scheduler } from "./scheduler.js";
import { type Concurrency, Slots, type Start } from "./slots.js";

export interface EngineOptions {
  readonly clock: Clock;
  /** Which of many agents this is: spreads the phases of the same checks. */
  readonly instance: string;
  readonly concurrency: Concurrency;
  readonly tracing: TracingOptions;
  readonly sink: RecordSink;
  /** A check's status changed, its first result and its removal included. */
  readonly onChange: (change: StatusChange) => void;
  /** Something that a report shows is new. */
  readonly onNews: () => void;
}

const staleSweepMs = 1_000;
const maxHoldMs = 3_600_000;
const stopped = new CheckFailure("unavailable", "the check was stopped");
const orphanMessage = "the last run has not ended yet";
const goneEnd = { reason: stopped.reason, message: stopped.message } as const;

/** Runs checks in the background: when they are due, one run of each at a time, each within its deadline; and folds the results. */
export class Engine {
  /** Of all checks that are registered; whoever changes what it counts by takes the check out and puts it back in. */
  readonly census = new Census();
  private readonly entries = new Map<string, CheckEntry>();
  private list: readonly CheckEntry[] | undefined;
  private readonly scheduler: Scheduler<CheckEntry>;
  private readonly deadlines: Deadlines;
  private readonly slots: Slots;
  private readonly folder: ResultFolder;
  private readonly closing = new Closing();
  private readonly budgets: Budgets;
  private cancelSweep: (() => void) | undefined;
  private isStarted = false;
  private isStopped = false;
  private runsPerSecond = 0;
  /** Wall clock minus monotonic clock, fixed at the start so that a stepped wall clock moves no run. */
  private readonly epochMs: number;

  constructor(private readonly options: EngineOptions) {
    this.scheduler = new Scheduler(options.clock, (entry, lagMs) => this.due(entry, lagMs));
    this.deadlines = new Deadlines(options.clock);
    this.slots = new Slots(options.concurrency);
    this.folder = new ResultFolder({ ...options, scrub: options.tracing.scrub, census: this.census });
    this.budgets = new Budgets(() => options.clock.monotonic());
    this.epochMs = options.clock.now() - options.clock.monotonic();
  }

  /** All checks, in the order they were registered. */
  get checkList(): readonly CheckEntry[] {
    this.list ??= [...this.entries.values()];
    return this.list;
  }

  get isAlive(): boolean {
    return this.scheduler.isAlive;
  }

  check(name: string): CheckEntry | undefined {
    return this.entries.get(name);
  }

  /** Registers a check; one that was there under this name is replaced and hands its state over. */
  add(registered: RegisteredCheck): void {
    const { policy } = registered.identity;
    const { clock, instance, tracing, sink } = this.options;
    const previous = this.entries.get(policy.name);
    if (previous) this.retire(previous);
    const from = previous && { state: carriedOver(previous.state), history: previous.history };
    const lastPaid = this.budgets.lastPaid(policy.name);
    const entry = new CheckEntry(registered, { instance, tracing, clock, from, lastPaid });
    this.entries.set(policy.name, entry);
    this.list = undefined;
    if (previous) this.census.count(previous, -1);
    this.census.count(entry, 1);
    sink.checkAdded(registered.identity, entry.state.status, entry.state.lastSuccessMs);
    this.expect(policy, 1);
    if (this.isStarted) this.scheduler.schedule(entry, clock.monotonic());
    if (this.isStopped) this.end(entry);
    this.options.onNews();
  }

  /** Gives a check a new policy; connection and state stay. */
  repolicy(name: string, policy: CheckPolicy): void {
    const entry = this.entries.get(name);
    if (!entry) return;
    const { sink, tracing, clock } = this.options;
    sink.checkRemoved(entry.identity);
    this.expect(entry.policy, -1);
    this.expect(policy, 1);
    this.census.count(entry, -1);
    entry.identity = { ...entry.identity, policy };
    this.census.count(entry, 1);
    entry.tracer = new CheckTracer(entry.identity, tracing);
    entry.freshSinceMs = clock.monotonic();
    sink.checkAdded(entry.identity, entry.state.status, entry.state.lastSuccessMs);
    if (this.isStarted)
      this.scheduler.schedule(entry, Math.min(entry.dueMs, this.nextRegular(entry, entry.freshSinceMs)));
    entry.isOffPhase = true;
    this.options.onNews();
  }

  /** Takes a check away; whoever alerts on changes sees it end as `unknown`. */
  remove(name: string): void {
    const entry = this.entries.get(name);
    if (!entry) return;
    this.entries.delete(name);
    this.list = undefined;
    this.census.count(entry, -1);
    this.retire(entry);
    this.budgets.keep(name, entry.state.lastPaid);
    this.budgets.forget();
    this.folder.removed(entry);
  }

  /** Starts the schedule: every check once, critical ones first, spread so that they do not start all together. */
  start(): void {
    if (this.isStarted || this.isStopped) return;
    this.isStarted = true;
    const entries = [...this.entries.values()].sort((a, b) => Number(b.policy.critical) - Number(a.policy.critical));
    const now = this.options.clock.monotonic();
    entries.forEach((entry, index) => {
      const offsetMs = (index / entries.length) * startSpreadMs(entries.length, entry.policy.intervalMs);
      this.scheduler.schedule(entry, now + Math.floor(offsetMs / gridMs) * gridMs);
    });
    this.scheduler.start();
    this.sweep();
  }

  /** Runs a check now, or joins the run that is under way; resolves at its result, and when it is removed. */
  async runOnce(name: string): Promise<void> {
    const entry = this.entries.get(name);
    if (!entry) throw new RangeError(`no check is named ${name}`);
    if (entry.isRemoved) return;
    const result = entry.nextResult();
    if (entry.activity.is === "idle") {
      entry.lastDueMs = this.options.clock.monotonic();
      this.requestStart(entry);
    } else if (entry.activity.is === "orphaned") this.tick(entry, "timeout", orphanMessage);
    await result;
  }

  /** Ends the schedule and every run for good, and closes the checks; resolves after `limitMs` even if one never settles. */
  async stop(limitMs: number): Promise<void> {
    this.isStarted = false;
    this.isStopped = true;
    this.scheduler.stop();
    this.cancelSweep?.();
    for (const entry of this.entries.values()) this.end(entry);
    await atMost(this.options.clock, limitMs, this.closing.all());
  }

  private due(entry: CheckEntry, lagMs: number): void {
    const { sink, clock } = this.options;
    const now = clock.monotonic();
    const dueMs = entry.dueMs;
    this.scheduleAfterStart(entry, dueMs, now);
    if (entry.activity.is === "waiting" || entry.activity.is === "running") {
      sink.missed(1);
      return;
    }
    entry.lastDueMs = dueMs;
    if (entry.activity.is === "orphaned") this.tick(entry, "timeout", orphanMessage);
    else if (now < entry.holdUntilMs) this.tick(entry, "overloaded", "waiting as long as the target asked");
    else {
      sink.lag(lagMs / 1_000);
      this.requestStart(entry);
    }
  }

  /** Drift-free: the next due time follows from the last one. What a stall has made impossible is counted as missed. */
  private scheduleAfterStart(entry: CheckEntry, dueMs: number, now: number): void {
    const { intervalMs } = entry.policy;
    const next = entry.isOffPhase ? this.nextRegular(entry, dueMs + intervalMs / 2) : dueMs + intervalMs;
    entry.isOffPhase = false;
    const skipped = next > now ? 0 : Math.floor((now - next) / intervalMs) + 1;
    if (skipped > 0) this.options.sink.missed(skipped);
    this.scheduler.schedule(entry, next + skipped * intervalMs);
  }

  private nextRegular(entry: CheckEntry, afterMs: number): number {
    const grid = gridFor(this.runsPerSecond);
    return nextPhaseTime(afterMs + this.epochMs, entry.policy.intervalMs, entry.phase, grid) - this.epochMs;
  }

  private requestStart(entry: CheckEntry): void {
    const isSteady = entry.state.rawStatus !== "unhealthy";
    const start: Start = {
      kind: entry.policy.kind,
      pool: isSteady ? "steady" : "slow",
      begin: () => this.begin(entry, start),
    };
    entry.activity = { is: "waiting", start };
    this.slots.request(start);
  }

  private begin(entry: CheckEntry, start: Start): void {
    const startedMs = this.options.clock.monotonic();
    const span = entry.tracer.begin();
    const { check, policy } = entry;
    const purse = this.purseOf(check, policy.name);
    const run = new ActiveRun({
      check,
      timeoutMs: policy.timeoutMs,
      span,
      deadlines: this.deadlines,
      spend: purse?.spend,
      onLong: () => this.slots.moveToSlow(start),
      onEnd: (ending, isOrphaned) => {
        entry.activity = isOrphaned ? { is: "orphaned", run } : idle;
        this.slots.release(start);
        this.finish(entry, ending, { span, durationMs: this.options.clock.monotonic() - startedMs, purse });
        if (!isOrphaned) this.settled(entry);
        else if (!entry.isRemoved) this.options.sink.orphaned(entry.identity);
      },
      onOrphanSettled: () => this.settled(entry),
    });
    entry.activity = { is: "running", run };
    run.begin();
  }

  private purseOf({ paidRunsPerDay }: Check, name: string): Purse | undefined {
    if (paidRunsPerDay === undefined) return undefined;
    return this.budgets.purse(name, paidRunsPerDay);
  }

  private finish(entry: CheckEntry, ending: Ending, ended: EndedRun): void {
    if (entry.isRemoved) {
      ended.span.finish({
        outcome: "unhealthy",
        status: entry.state.status,
        hasStatusChanged: false,
        facts: {},
        ...goneEnd,
      });
      return;
    }
    const { retryAfterMs } = this.folder.run(entry, ending, ended);
    entry.holdUntilMs = this.options.clock.monotonic() + Math.min(retryAfterMs ?? 0, maxHoldMs);
    this.reschedule(entry);
  }

  /** A due time at which no run could start counts as a result all the same. */
  private tick(entry: CheckEntry, reason: Reason, message: string): void {
    this.folder.tick(entry, reason, message);
    this.reschedule(entry);
  }

  private reschedule(entry: CheckEntry): void {
    if (!this.isStarted || entry.state.rawStatus !== "unhealthy") return;
    const gapMs = failingGapMs(entry.policy, entry.state.consecutiveFailures);
    const atMs = Math.max(entry.lastDueMs + gapMs, this.options.clock.monotonic() + gridMs);
    if (atMs >= entry.dueMs) return;
    entry.isOffPhase = true;
    this.scheduler.schedule(entry, atMs);
  }

  /** After a stall of our own loop the schedule gets a second to bring results before anything is called stale. */
  private sweep(dueMs = this.options.clock.monotonic()): void {
    const now = this.options.clock.monotonic();
    this.cancelSweep = this.options.clock.after(staleSweepMs, () => this.sweep(now + staleSweepMs), true);
    if (now - dueMs < staleSweepMs) this.folder.markStale(this.entries.values());
  }

  private expect(policy: CheckPolicy, count: 1 | -1): void {
    this.runsPerSecond += (count * 1_000) / policy.intervalMs;
    this.scheduler.expect(this.runsPerSecond);
  }

  private retire(entry: CheckEntry): void {
    this.options.sink.checkRemoved(entry.identity);
    this.expect(entry.policy, -1);
    this.end(entry);
  }

  /** Ends a check's run, if there is one, and closes the check once that has settled. */
  private end(entry: CheckEntry): void {
    if (entry.isRemoved) return;
    entry.isRemoved = true;
    this.scheduler.remove(entry);
    this.closing.expect(entry);
    const { activity } = entry;
    if (activity.is === "waiting") {
      this.slots.withdraw(activity.start);
      entry.activity = idle;
    }
    if (activity.is === "running" || activity.is === "orphaned") activity.run.abort(stopped);
    else void this.closing.close(entry);
    entry.announce();
  }

  private settled(entry: CheckEntry): void {
    entry.activity = idle;
    if (entry.isRemoved) void this.closing.close(entry);
  }
}
