import type { CheckPolicy, Facts, FactTable, Reason, Status, Verdict } from "../check.js";

/** A check as the signals know it: fixed from the moment it is registered until it is removed. */
export interface CheckIdentity {
  readonly policy: CheckPolicy;
  readonly facts: FactTable;
  readonly hasOpenFacts: boolean;
}

/** One result of a check, with what it did to the check's state. */
export interface RunRecord {
  readonly check: CheckIdentity;
  readonly outcome: Verdict;
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly facts: Facts;
  readonly atMs: number;
  /** Absent for a tick that started no run (orphan still out, `Retry-After`): it counts for the state, and is no run. */
  readonly durationMs?: number | undefined;
  /** Only when the trace was kept. */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  readonly previousStatus: Status;
  readonly status: Status;
  /** Epoch milliseconds of the last result that was not unhealthy. */
  readonly lastSuccessMs?: number | undefined;
}

/** One change of a check's status; the first result's comes from `unknown`, a removed check's goes to it. */
export interface StatusChange {
  readonly check: CheckIdentity;
  readonly from: Status;
  readonly to: Status;
  readonly reason?: Reason;
  readonly message?: string;
  /** The client's own words, scrubbed: for a log, never for a metric or an HTTP body. */
  readonly detail?: string;
  readonly atMs: number;
  readonly traceId?: string;
  readonly spanId?: string;
}

export interface ServiceChange {
  readonly from: Status;
  readonly to: Status;
  readonly message: string;
  readonly atMs: number;
}

/**
 * Where the stream of records goes: the instruments of a host's meter (library), counts beside the state (agent).
 * Both must collect to the same points.
 */
export interface RecordSink {
  /** `lastSuccessMs` comes with a check whose state is carried over a reload. */
  checkAdded(check: CheckIdentity, status: Status, lastSuccessMs?: number): void;
  checkRemoved(check: CheckIdentity): void;
  run(record: RunRecord): void;
  /** A status that changed without a result: the check went stale. */
  checkStatus(check: CheckIdentity, status: Status): void;
  serviceStatus(status: Status): void;
  orphaned(check: CheckIdentity): void;
  missed(runs: number): void;
  lag(seconds: number): void;
}
