import { describe, expect, it } from "vitest";
import { createPolicy } from "../../src/check.js";
import { History } from "../../src/health/history.js";
import { createReport } from "../../src/health/report.js";
import { initialState, nextState, type Result, withTrace } from "../../src/health/state.js";
import type { CheckView } from "../../src/health/verdict.js";

const kind = { kind: "postgres", defaults: { intervalMs: 30_000, timeoutMs: 3_000 } };
const startMs = Date.UTC(2026, 10, 21, 12);

function view(name: string, result?: Result, critical = false, isResources = false): CheckView {
  const policy = createPolicy(name, kind, { critical });
  const initial = initialState(startMs);
  const state = result ? withTrace(nextState(initial, result, policy, result.atMs), "t1") : initial;
  return { policy, state, isResources };
}

const report = (checks: readonly CheckView[], nowMs = startMs + 3_100) =>
  createReport({
    checks,
    phase: "running",
    liveness: true,
    readinessMode: "dependencies",
    version: "1.4.2",
    startedAtMs: startMs - 120_350,
    nowMs,
  });

describe("createReport", () => {
  it("has the shape of the contract for a healthy check", () => {
    const facts = { server_version: "18.4" };
    const made = report([view("database", { status: "healthy", facts, atMs: startMs, durationMs: 44.6 }, true)]);
    expect(made).toEqual({
      status: "healthy",
      phase: "running",
      liveness: true,
      readiness: true,
      cached: true,
      message: "All dependencies are healthy",
      reason: null,
      timestamp: "2026-11-21T12:00:03.100Z",
      version: "1.4.2",
      uptime_seconds: 123.45,
      dependencies: {
        database: {
          healthy: true,
          status: "healthy",
          raw_status: "healthy",
          kind: "postgres",
          critical: true,
          duration_ms: 45,
          last_check: "2026-11-21T12:00:00.000Z",
          age_ms: 3_100,
          stale: false,
          since: "2026-11-21T12:00:00.000Z",
          consecutive_failures: 0,
          error: null,
          reason: null,
          trace_id: "t1",
          last_failure: null,
          metadata: facts,
        },
      },
      resources: {},
    });
  });

  it("tells a failure with its reason, message and trace", () => {
    const failed = { status: "unhealthy", reason: "refused", message: "connection refused", facts: {} } as const;
    const made = report([view("database", { ...failed, atMs: startMs }, true)]);
    expect(made).toMatchObject({ readiness: false, reason: "database is unhealthy: connection refused" });
    expect(made.dependencies.database).toMatchObject({
      error: "connection refused",
      reason: "refused",
      last_failure: { time: "2026-11-21T12:00:00.000Z", reason: "refused", trace_id: "t1" },
    });
  });

  it("shows a check without a result as unknown, with nothing made up", () => {
    expect(report([view("new")]).dependencies.new).toMatchObject({
      status: "unknown",
      duration_ms: null,
      last_check: null,
      age_ms: null,
      stale: false,
      since: null,
    });
  });

  it("serves the facts of the resources kind as `resources`", () => {
    const facts = { memory_percent: 45.2, cpu_percent: 12.5 };
    expect(report([view("system", { status: "healthy", facts, atMs: startMs }, false, true)]).resources).toEqual(facts);
  });
});

describe("History", () => {
  it("keeps the last 120 results, oldest first", () => {
    const history = new History();
    for (let atMs = 1; atMs <= 300; atMs++) history.add({ atMs, status: "healthy", durationMs: atMs });
    const entries = history.entries();
    expect(entries).toHaveLength(120);
    expect(entries.map((entry) => entry.atMs)).toEqual(Array.from({ length: 120 }, (_, index) => 181 + index));
  });

  it("has no duration for a result without a run", () => {
    const history = new History();
    history.add({ atMs: 1, status: "unhealthy" });
    expect(history.entries()).toEqual([{ atMs: 1, status: "unhealthy" }]);
  });
});
