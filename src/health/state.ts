import type { CheckPolicy, Facts, Reason, Status, Verdict } from "../check.js";

/** What a run, or a tick that could not run, counts as. Thresholds are already applied. */
export interface Result {
  readonly status: Verdict;
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly facts: Facts;
  /** When it was found, epoch milliseconds. */
  readonly atMs: number;
  /** Absent for a tick that started no run (an orphan still out, `Retry-After`). */
  readonly durationMs?: number | undefined;
  /** The run's trace, when it was kept. */
  readonly traceId?: string | undefined;
  /** Facts with a threshold that this run did not bring. */
  readonly skippedThresholds?: readonly string[] | undefined;
  /** The run spent money. */
  readonly isPaid?: boolean | undefined;
  /** Status, reason and message are the last paid run's: no evidence of anything new. */
  readonly isRepeated?: boolean | undefined;
}

export interface FailureMemory {
  readonly atMs: number;
  readonly reason: Reason;
  readonly message: string;
  readonly traceId?: string | undefined;
}

/** A check's outcomes folded into what holds now. */
export interface CheckState {
  /** What holds, hysteresis included. */
  readonly status: Status;
  /** What the last result said. */
  readonly rawStatus: Status;
  /** Since when `status` holds, epoch milliseconds. */
  readonly sinceMs: number;
  readonly result?: Result | undefined;
  /** When the last healthy or degraded result came, epoch milliseconds. */
  readonly lastSuccessMs?: number | undefined;
  /** The last failure, kept after recovery. */
  readonly lastFailure?: FailureMemory | undefined;
  /** What the last run found that spent money; of a check that costs none, absent. */
  readonly lastPaid?: Result | undefined;
  /** Unhealthy results in a row; repetitions are not counted. */
  readonly consecutiveFailures: number;
  /** Results in a row that are worse than `status`, and the mildest of them. */
  readonly worse: Streak;
  /** Results in a row that are better than `status`, and the worst of them. */
  readonly better: Streak;
  /** True while the state is carried over a reload: the next result counts at once. */
  readonly isCarriedOver: boolean;
}

export interface Streak {
  readonly count: number;
  readonly status: Verdict;
}

export interface Transition {
  readonly from: Status;
  readonly to: Status;
}

/** With every field, so that all are of one shape to V8; the compiler says where one is forgotten. */
export type Whole<Type> = { readonly [Name in keyof Required<Type>]: Type[Name] };

const noStreak: Streak = { count: 0, status: "healthy" };
export const severity: Readonly<Record<Verdict, number>> = { healthy: 0, degraded: 1, unhealthy: 2 };

/** `lastPaid` of a check that was there before under the same name. */
export function initialState(nowMs: number, lastPaid?: Result): CheckState {
  const initial: Whole<CheckState> = {
    status: "unknown",
    rawStatus: "unknown",
    sinceMs: nowMs,
    result: undefined,
    lastSuccessMs: undefined,
    lastFailure: undefined,
    lastPaid,
    consecutiveFailures: 0,
    worse: noStreak,
    better: noStreak,
    isCarriedOver: false,
  };
  return initial;
}

type Hysteresis = Pick<CheckPolicy, "failureThreshold" | "successThreshold">;

/**
 * Folds one result into the state. The first result, and the first after `unknown`, counts at once; after that
 * `failureThreshold` worse results in a row move the status to the mildest of them, `successThreshold` better
 * ones to the worst of them.
 */
export function nextState(previous: CheckState, result: Result, policy: Hysteresis, nowMs: number): CheckState {
  if (result.isRepeated && previous.status !== "unknown") return repeated(previous, result);
  const { status, worse, better } = judge(previous, result, policy);
  const isFailure = result.status === "unhealthy";
  const next: Whole<CheckState> = {
    status,
    rawStatus: result.status,
    sinceMs: status === previous.status ? previous.sinceMs : nowMs,
    result,
    lastSuccessMs: isFailure ? previous.lastSuccessMs : result.atMs,
    lastFailure: isFailure ? failureOf(result) : previous.lastFailure,
    lastPaid: result.isPaid ? result : previous.lastPaid,
    consecutiveFailures: isFailure ? previous.consecutiveFailures + 1 : 0,
    worse,
    better,
    isCarriedOver: false,
  };
  return next;
}

/** Shown, and the state is fresh by it; but it moves nothing, and what counts at once is still to come. */
function repeated(previous: CheckState, result: Result): CheckState {
  return { ...previous, rawStatus: result.status, result };
}

/** The same state, its newest result with the trace that was kept of it. Literals: what is spread costs a run ten times that. */
export function withTrace(state: CheckState, traceId: string): CheckState {
  if (state.result === undefined) return state;
  const { status, reason, message, facts, atMs, durationMs, skippedThresholds, isPaid, isRepeated } = state.result;
  const traced = { status, reason, message, facts, atMs, durationMs, traceId, skippedThresholds, isPaid, isRepeated };
  const result: Whole<Result> = traced;
  const isFailure = status === "unhealthy" && !isRepeated;
  const whole: Whole<CheckState> = {
    status: state.status,
    rawStatus: state.rawStatus,
    sinceMs: state.sinceMs,
    result,
    lastSuccessMs: state.lastSuccessMs,
    lastFailure: isFailure ? failureOf(result) : state.lastFailure,
    lastPaid: state.lastPaid,
    consecutiveFailures: state.consecutiveFailures,
    worse: state.worse,
    better: state.better,
    isCarriedOver: state.isCarriedOver,
  };
  return whole;
}

/** A state that a reload carries over to a re-created check. */
export function carriedOver(state: CheckState): CheckState {
  return { ...state, isCarriedOver: state.result !== undefined };
}

/** No result for three intervals: the check is unknown until the next one. */
export function staleState(previous: CheckState, nowMs: number): CheckState {
  return { ...previous, status: "unknown", rawStatus: "unknown", sinceMs: nowMs, worse: noStreak, better: noStreak };
}

/** Whether a status no longer holds, `ageMs` after the result it rests on. */
export function isStale({ status }: CheckState, intervalMs: number, ageMs: number): boolean {
  return status !== "unknown" && ageMs > 3 * intervalMs;
}

export function transitionOf(previous: CheckState, next: CheckState): Transition | undefined {
  return previous.status === next.status ? undefined : { from: previous.status, to: next.status };
}

function judge(
  { status, worse, better, isCarriedOver }: CheckState,
  result: Result,
  policy: Hysteresis,
): { status: Status; worse: Streak; better: Streak } {
  if (status === "unknown" || isCarriedOver) return { status: result.status, worse: noStreak, better: noStreak };
  const difference = severity[result.status] - severity[status];
  if (difference === 0) return { status, worse: noStreak, better: noStreak };
  if (difference > 0) {
    const streak = extend(worse, result.status, (a, b) => (severity[a] <= severity[b] ? a : b));
    return streak.count >= policy.failureThreshold
      ? { status: streak.status, worse: noStreak, better: noStreak }
      : { status, worse: streak, better: noStreak };
  }
  const streak = extend(better, result.status, (a, b) => (severity[a] >= severity[b] ? a : b));
  return streak.count >= policy.successThreshold
    ? { status: streak.status, worse: noStreak, better: noStreak }
    : { status, worse: noStreak, better: streak };
}

function extend(streak: Streak, status: Verdict, pick: (a: Verdict, b: Verdict) => Verdict): Streak {
  return streak.count === 0 ? { count: 1, status } : { count: streak.count + 1, status: pick(streak.status, status) };
}

function failureOf(result: Result): FailureMemory {
  return {
    atMs: result.atMs,
    reason: result.reason ?? "unexpected",
    message: result.message ?? "unhealthy",
    traceId: result.traceId,
  };
}
