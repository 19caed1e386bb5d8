import type { Facts, Phase, Reason, Status } from "../check.js";
import { type CheckView, notReadyReason, type ReadinessMode, serviceStatus, statusMessage } from "./verdict.js";

export interface LastFailure {
  readonly time: string;
  readonly reason: Reason;
  readonly message: string;
  readonly trace_id: string | null;
}

/** One check in the report. Names are the source material's: facts are `metadata`. */
export interface DependencyReport {
  readonly healthy: boolean;
  readonly status: Status;
  readonly raw_status: Status;
  readonly kind: string;
  readonly critical: boolean;
  /** Whole milliseconds; null before the first run. */
  readonly duration_ms: number | null;
  readonly last_check: string | null;
  readonly age_ms: number | null;
  readonly stale: boolean;
  readonly since: string | null;
  readonly consecutive_failures: number;
  /** A sentence; null when healthy. */
  readonly error: string | null;
  readonly reason: Reason | null;
  /** Null when the last run's trace was not kept. */
  readonly trace_id: string | null;
  readonly last_failure: LastFailure | null;
  readonly metadata: Facts;
  /** Facts with a threshold that the last run did not bring; absent when there are none. */
  readonly skipped_thresholds?: readonly string[];
  readonly description?: string;
  readonly owner?: string;
  readonly runbook?: string;
}

/** What holds of the service as a whole. */
export interface Summary {
  readonly status: Status;
  readonly phase: Phase;
  readonly liveness: boolean;
  readonly readiness: boolean;
  readonly cached: true;
  readonly message: string;
  /** A sentence: why the service is not ready; null when it is. */
  readonly reason: string | null;
  readonly timestamp: string;
  readonly version: string | null;
  readonly uptime_seconds: number;
}

/** The status of the service with every check's state; one shape for every endpoint that serves one. */
export interface Report extends Summary {
  readonly dependencies: Readonly<Record<string, DependencyReport>>;
  readonly resources: Facts;
}

export interface ReportInput {
  readonly checks: readonly CheckView[];
  readonly phase: Phase;
  readonly liveness: boolean;
  readonly readinessMode: ReadinessMode;
  readonly version: string | undefined;
  readonly startedAtMs: number;
  readonly nowMs: number;
}

export function createReport(input: ReportInput): Report {
  const { checks, nowMs } = input;
  return {
    ...createSummary(input),
    dependencies: Object.fromEntries(checks.map((check) => [check.policy.name, dependencyReport(check, nowMs)])),
    resources: Object.assign(
      {},
      ...checks.filter((check) => check.isResources).map((check) => check.state.result?.facts),
    ),
  };
}

export function createSummary(input: ReportInput): Summary {
  const { checks, phase, nowMs } = input;
  const status = serviceStatus(checks, phase);
  const reason = notReadyReason(checks, phase, input.readinessMode);
  return {
    status,
    phase,
    liveness: input.liveness,
    readiness: reason === null,
    cached: true,
    message: statusMessage(status, checks),
    reason,
    timestamp: new Date(nowMs).toISOString(),
    version: input.version ?? null,
    uptime_seconds: Math.round((nowMs - input.startedAtMs) / 10) / 100,
  };
}

export function dependencyReport({ policy, state }: CheckView, nowMs: number): DependencyReport {
  const { result, lastFailure } = state;
  return {
    healthy: state.status === "healthy",
    status: state.status,
    raw_status: state.rawStatus,
    kind: policy.kind,
    critical: policy.critical,
    duration_ms: result?.durationMs === undefined ? null : Math.round(result.durationMs),
    last_check: result ? new Date(result.atMs).toISOString() : null,
    age_ms: result ? Math.max(0, Math.round(nowMs - result.atMs)) : null,
    stale: state.status === "unknown" && result !== undefined,
    since: result ? new Date(state.sinceMs).toISOString() : null,
    consecutive_failures: state.consecutiveFailures,
    error: result?.message ?? null,
    reason: result?.reason ?? null,
    trace_id: result?.traceId ?? null,
    last_failure: lastFailure
      ? {
          time: new Date(lastFailure.atMs).toISOString(),
          reason: lastFailure.reason,
          message: lastFailure.message,
          trace_id: lastFailure.traceId ?? null,
        }
      : null,
    metadata: result?.facts ?? {},
    ...(result?.skippedThresholds?.length && { skipped_thresholds: result.skippedThresholds }),
    ...(policy.description !== undefined && { description: policy.description }),
    ...(policy.owner !== undefined && { owner: policy.owner }),
    ...(policy.runbook !== undefined && { runbook: policy.runbook }),
  };
}
