import { EventEmitter } from "node:events";
import type { Check, CheckKind, CheckPolicy, Phase, Status } from "../check.js";
import type { HistoryEntry } from "../health/history.js";
import {
  createReport,
  createSummary,
  type DependencyReport,
  dependencyReport,
  type Report,
  type ReportInput,
  type Summary,
} from "../health/report.js";
import { nextPhase, type ReadinessMode, serviceStatus, statusMessage } from "../health/verdict.js";
import type { Events } from "../signals/events.js";
import { isolatedListener } from "../signals/isolated.js";
import type { RecordSink, ServiceChange, StatusChange } from "../signals/record.js";
import type { TracingOptions } from "../signals/run-span.js";
import { firstResultsMs } from "./cadence.js";
import type { CheckEntry } from "./check-entry.js";
import { atMost, type Clock } from "./clock.js";
import { Engine } from "./engine.js";
import type { Concurrency } from "./slots.js";

/** Where the signals go; the agent hands in its own, a library takes the host's OpenTelemetry. */
export interface ServiceSignals {
  readonly tracing: TracingOptions;
  readonly sink: RecordSink;
  readonly events: () => Events;
}

export interface ServiceSettings {
  readonly version?: string | undefined;
  readonly instance: string;
  readonly readiness: ReadinessMode;
  readonly concurrency: Concurrency;
  /** Whether a stalled scheduler fails liveness. */
  readonly watchesScheduler: boolean;
  readonly clock: Clock;
}

/** What the engine must know of a check's kind. */
export type CheckTraits = Pick<CheckKind, "facts" | "hasOpenFacts" | "isResources">;

export interface HealthChanges {
  change: [StatusChange];
  status: [ServiceChange];
}

const defaultStopLimitMs = 3_000;

/** The checks of one service, what holds of them, and the one report that every audience is answered from. */
export class HealthService {
  private readonly engine: Engine;
  private readonly emitter = new EventEmitter<HealthChanges>();
  /** Monotonic, so that a stepped clock makes no uptime. */
  private readonly createdMs: number;
  private currentPhase: Phase = "starting";
  private hasBegun = false;
  private hasStartedOnce = false;
  private willJudge = false;
  private currentStatus: Status = "unknown";
  private news = new News();
  private memo: { readonly revision: number; readonly atMs: number; readonly report: Report } | undefined;

  constructor(
    private readonly settings: ServiceSettings,
    private readonly signals: ServiceSignals,
  ) {
    // Each part of a host may listen: many listeners are no leak.
    this.emitter.setMaxListeners(0);
    this.createdMs = settings.clock.monotonic();
    this.engine = new Engine({
      clock: settings.clock,
      instance: settings.instance,
      concurrency: settings.concurrency,
      tracing: signals.tracing,
      sink: signals.sink,
      onChange: (change) => this.changed(change),
      onNews: () => this.news.add(),
    });
    signals.sink.serviceStatus(this.currentStatus);
  }

  get phase(): Phase {
    return this.currentPhase;
  }

  get status(): Status {
    return this.currentStatus;
  }

  get isAlive(): boolean {
    return !this.settings.watchesScheduler || this.engine.isAlive;
  }

  /** Every check has had a result; it stays so. */
  get hasStarted(): boolean {
    return this.hasStartedOnce;
  }

  /** New when a verdict may be; news of single runs is gathered for longer the more checks there are. */
  get revision(): number {
    return this.news.revision(this.settings.clock.monotonic(), this.views().length);
  }

  get checkNames(): readonly string[] {
    return this.views().map((check) => check.policy.name);
  }

  has(name: string): boolean {
    return this.engine.check(name) !== undefined;
  }

  report(exclude?: ReadonlySet<string>): Report {
    const nowMs = this.settings.clock.now();
    if (exclude && exclude.size > 0) return this.createReport(nowMs, exclude);
    const { revision } = this;
    if (this.memo?.revision !== revision || this.memo.atMs !== nowMs) {
      this.memo = { revision, atMs: nowMs, report: this.createReport(nowMs) };
    }
    return this.memo.report;
  }

  /** The report without its checks: of 10,000 they are nearly all of its cost. */
  summary(exclude?: ReadonlySet<string>): Summary {
    return createSummary(this.reportInput(this.settings.clock.now(), exclude));
  }

  dependency(check: string): DependencyReport | undefined {
    const entry = this.engine.check(check);
    return entry && dependencyReport(entry, this.settings.clock.now());
  }

  history(check: string): readonly HistoryEntry[] | undefined {
    return this.engine.check(check)?.history.entries();
  }

  /** Adds a check, or puts another in its place; the state stays until the new one's first result. */
  add(policy: CheckPolicy, kind: CheckTraits, check: Check): void {
    this.engine.add({
      identity: { policy, facts: kind.facts, hasOpenFacts: kind.hasOpenFacts ?? false },
      check,
      isResources: kind.isResources ?? false,
    });
    this.judgeSoon();
  }

  repolicy(name: string, policy: CheckPolicy): void {
    this.engine.repolicy(name, policy);
    this.judgeSoon();
  }

  remove(name: string): void {
    this.engine.remove(name);
    this.judgeSoon();
  }

  /** Runs checks once, now, whatever the schedule; resolves when each has a result. */
  async runOnce(names: readonly string[] = this.checkNames): Promise<void> {
    this.hasBegun = true;
    await Promise.all(names.map((name) => this.engine.runOnce(name)));
  }

  on<Name extends keyof HealthChanges>(name: Name, listener: (...change: HealthChanges[Name]) => void): this {
    this.emitter.on(name, isolatedListener(listener) as never);
    return this;
  }

  /** Begins to run checks; resolves after their first results, or the longest timeout. */
  async start(): Promise<void> {
    const waiting = this.views().filter((check) => check.state.result === undefined && !check.isRemoved);
    const results = Promise.all(waiting.map((check) => check.nextResult()));
    this.hasBegun = true;
    this.engine.start();
    this.judge();
    await atMost(this.settings.clock, firstResultsMs(waiting.map((check) => check.policy)), results);
  }

  /** Not ready from now on, whatever the checks say; they go on. */
  drain(): void {
    this.currentPhase = "draining";
    this.news.addUrgent();
  }

  /** Ends all runs and closes the checks, within `limitMs` even if one never settles. */
  async stop(limitMs = defaultStopLimitMs): Promise<void> {
    this.drain();
    await this.engine.stop(limitMs);
  }

  private views(): readonly CheckEntry[] {
    return this.engine.checkList;
  }

  private createReport(nowMs: number, exclude?: ReadonlySet<string>): Report {
    return createReport(this.reportInput(nowMs, exclude));
  }

  private reportInput(nowMs: number, exclude?: ReadonlySet<string>): ReportInput {
    const checks = this.views();
    return {
      checks: exclude ? checks.filter((check) => !exclude.has(check.policy.name)) : checks,
      phase: this.currentPhase,
      liveness: this.isAlive,
      readinessMode: this.settings.readiness,
      version: this.settings.version,
      startedAtMs: nowMs - (this.settings.clock.monotonic() - this.createdMs),
      nowMs,
    };
  }

  private changed(change: StatusChange): void {
    this.signals.events().checkChanged(change);
    this.emitter.emit("change", change);
    this.judgeSoon();
  }

  /** Judges once for all that changes before the current turn ends: a reload of thousands of checks is one change. */
  private judgeSoon(): void {
    this.news.addUrgent();
    if (this.willJudge || !this.hasBegun) return;
    this.willJudge = true;
    queueMicrotask(() => this.judge());
  }

  /** Re-judges the service: after every change of a check, of the phase, and of which checks there are. */
  private judge(): void {
    this.willJudge = false;
    this.news.addUrgent();
    const { census } = this.engine;
    this.currentPhase = nextPhase(this.currentPhase, this.settings.readiness, census);
    this.hasStartedOnce ||= census.waiting === 0;
    const to = serviceStatus(census, this.currentPhase);
    if (to === this.currentStatus) return;
    const message = statusMessage(to, this.views());
    const change: ServiceChange = { from: this.currentStatus, to, message, atMs: this.settings.clock.now() };
    this.currentStatus = to;
    this.signals.sink.serviceStatus(to);
    this.signals.events().serviceChanged(change);
    this.emitter.emit("status", change);
  }
}

const newsMsPerCheck = 0.1;

/** Counts what is new. News of runs waits until enough of it is gathered to be worth a new report; a verdict's does not. */
class News {
  private current = 0;
  private bumpedAtMs = Number.NEGATIVE_INFINITY;
  private hasMore = false;

  add(): void {
    this.hasMore = true;
  }

  addUrgent(): void {
    this.current++;
  }

  revision(nowMs: number, checks: number): number {
    if (this.hasMore && nowMs - this.bumpedAtMs >= checks * newsMsPerCheck) {
      this.hasMore = false;
      this.bumpedAtMs = nowMs;
      this.current++;
    }
    return this.current;
  }
}
