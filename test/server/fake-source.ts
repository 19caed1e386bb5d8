import { type CheckPolicy, createPolicy, type Facts, type Phase, type Status, type Verdict } from "../../src/check.js";
import { type HistoryEntry, historyLength } from "../../src/health/history.js";
import { createReport, type DependencyReport, type Report, type Summary } from "../../src/health/report.js";
import { type CheckState, initialState, nextState } from "../../src/health/state.js";
import type { CheckView } from "../../src/health/verdict.js";
import type { HealthSource } from "../../src/server/ports.js";

export interface FakeCheck {
  /** Undefined before the first result. */
  readonly status?: Verdict;
  readonly critical?: boolean;
  readonly message?: string;
  readonly facts?: Facts;
}

/** A source whose checks say what a test tells them to; verdict and report are the real ones. */
export class FakeSource implements HealthSource {
  revision = 0;
  phase: Phase = "running";
  isAlive = true;
  hasStarted = true;
  nowMs = Date.UTC(2026, 0, 1);
  /** How often a report was asked for: what a hot path must not do. */
  reports = 0;
  private readonly views = new Map<string, CheckView>();
  private readonly histories = new Map<string, HistoryEntry[]>();

  constructor(checks: Readonly<Record<string, FakeCheck>> = {}) {
    for (const [name, check] of Object.entries(checks)) this.set(name, check);
  }

  set(name: string, { status, critical = false, message, facts = {} }: FakeCheck): void {
    const policy = fakePolicy(name, critical);
    const before = this.views.get(name)?.state ?? initialState(this.nowMs);
    const state = status === undefined ? before : this.fold(before, policy, status, message, facts);
    this.views.set(name, { policy, state, isResources: false });
    const history = this.histories.get(name) ?? [];
    if (status !== undefined) history.push({ atMs: this.nowMs, status, durationMs: 4.4 });
    this.histories.set(name, history.slice(-historyLength));
    this.revision += 1;
  }

  private fold(
    before: CheckState,
    policy: CheckPolicy,
    status: Verdict,
    message: string | undefined,
    facts: Facts,
  ): CheckState {
    const why = status === "healthy" ? {} : { reason: "refused" as const, message: message ?? "connection refused" };
    return nextState(before, { status, facts, atMs: this.nowMs, durationMs: 4.4, ...why }, policy, this.nowMs);
  }

  get status(): Status {
    return this.build().status;
  }

  report(exclude?: ReadonlySet<string>): Report {
    this.reports += 1;
    return this.build(exclude);
  }

  summary(exclude?: ReadonlySet<string>): Summary {
    const { dependencies: _, resources: __, ...summary } = this.report(exclude);
    return summary;
  }

  dependency(name: string): DependencyReport | undefined {
    const { dependencies } = this.report();
    return Object.hasOwn(dependencies, name) ? dependencies[name] : undefined;
  }

  history(name: string): readonly HistoryEntry[] | undefined {
    return this.histories.get(name);
  }

  private build(exclude?: ReadonlySet<string>): Report {
    return createReport({
      checks: [...this.views.values()].filter(({ policy }) => !exclude?.has(policy.name)),
      phase: this.phase,
      liveness: this.isAlive,
      readinessMode: "dependencies",
      version: "1.4.2",
      startedAtMs: this.nowMs - 5_000,
      nowMs: this.nowMs,
    });
  }
}

const fakePolicy = (name: string, critical: boolean): CheckPolicy =>
  createPolicy(
    name,
    { kind: "fake", defaults: { intervalMs: 30_000, timeoutMs: 3_000 } },
    { critical, failureThreshold: 1 },
  );
