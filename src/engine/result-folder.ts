import { budgetFact, type Outcome, type Reason } from "../check.js";
import type { Census } from "../health/census.js";
import { heldToLastPaid } from "../health/paid.js";
import {
  type CheckState,
  isStale,
  nextState,
  type Result,
  staleState,
  transitionOf,
  type Whole,
  withTrace,
} from "../health/state.js";
import { applyThresholds } from "../health/thresholds.js";
import type { RecordSink, StatusChange } from "../signals/record.js";
import type { KeptTrace, RunSpan } from "../signals/run-span.js";
import type { Scrub } from "../signals/scrubber.js";
import type { Ending } from "./active-run.js";
import type { Purse } from "./budget.js";
import type { CheckEntry } from "./check-entry.js";
import type { Clock } from "./clock.js";
import { type Finding, findingOf } from "./finding.js";

export interface ResultFolderOptions {
  readonly clock: Clock;
  readonly scrub: Scrub;
  readonly sink: RecordSink;
  readonly census: Census;
  /** A check's status changed, its first result and its removal included. */
  readonly onChange: (change: StatusChange) => void;
  /** Something that a report shows is new. */
  readonly onNews: () => void;
}

export interface EndedRun {
  readonly span: RunSpan;
  readonly durationMs: number;
  readonly purse: Purse | undefined;
}

const withBudget = (outcome: Outcome, { remaining }: Purse): Outcome => ({
  ...outcome,
  facts: { ...outcome.facts, [budgetFact]: remaining },
});

type Said = Pick<StatusChange, "reason" | "message" | "detail" | "traceId" | "spanId">;

/** Only what there is: a host's listeners see the change as it is. */
function said(all: { readonly [Name in keyof Said]-?: Said[Name] | undefined }): Said {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const noTrace: Partial<KeptTrace> = {};

/** Folds results into the states of checks, and says what came of it: to the trace, the records and whoever listens for changes. */
export class ResultFolder {
  constructor(private readonly options: ResultFolderOptions) {}

  /** A run has ended: judges it, folds it, and closes its trace. `purse` is what a check that costs money could spend. */
  run(entry: CheckEntry, ending: Ending, { span, durationMs, purse }: EndedRun): Finding {
    const finding = findingOf(ending, this.options.scrub, entry.identity.facts);
    const found = purse ? withBudget(finding.outcome, purse) : finding.outcome;
    const { outcome, skipped } = applyThresholds(found, durationMs, entry.policy.thresholds);
    const result: Whole<Result> = {
      status: outcome.status,
      reason: outcome.reason,
      message: outcome.message,
      facts: outcome.facts ?? {},
      atMs: this.options.clock.now(),
      durationMs,
      traceId: undefined,
      skippedThresholds: skipped.length > 0 ? skipped : undefined,
      isPaid: purse?.hasPaid,
      isRepeated: undefined,
    };
    const counted = purse && !purse.hasPaid ? heldToLastPaid(result, entry.state.lastPaid) : result;
    this.fold(entry, counted, span, finding.detail);
    return finding;
  }

  /** A due time at which no run could start counts as a result all the same: the check stays failing and never turns stale. */
  tick(entry: CheckEntry, reason: Reason, message: string): void {
    this.fold(entry, { status: "unhealthy", reason, message, facts: {}, atMs: this.options.clock.now() });
  }

  /** Checks without a result for three intervals are unknown. */
  markStale(entries: Iterable<CheckEntry>): void {
    const { clock } = this.options;
    const now = clock.now();
    const monotonicMs = clock.monotonic();
    for (const entry of entries) {
      const { state, identity } = entry;
      if (!isStale(state, entry.policy.intervalMs, monotonicMs - entry.freshSinceMs)) continue;
      this.move(entry, staleState(state, now));
      this.options.sink.checkStatus(identity, "unknown");
      const message = "no result for three intervals";
      this.options.onChange({ check: identity, from: state.status, to: "unknown", message, atMs: now });
      this.options.onNews();
    }
  }

  /** The check is gone: the change to `unknown` is its last. */
  removed(entry: CheckEntry): void {
    const { status } = entry.state;
    if (status !== "unknown") {
      const message = "the check was removed";
      this.options.onChange({
        check: entry.identity,
        from: status,
        to: "unknown",
        message,
        atMs: this.options.clock.now(),
      });
    }
    this.options.onNews();
  }

  /** Each object as one literal: spread and conditional properties give each run's a shape that V8 cannot keep. */
  private fold(entry: CheckEntry, result: Result, span?: RunSpan, detail?: string): void {
    const { sink, onChange, onNews } = this.options;
    const previous = entry.state;
    const folded = nextState(previous, result, entry.policy, result.atMs);
    const change = transitionOf(previous, folded);
    const { status: outcome, reason, message, facts, atMs, durationMs } = result;
    const hasStatusChanged = change !== undefined;
    const kept = span?.finish({ outcome, facts, reason, message, status: folded.status, hasStatusChanged, detail });
    this.move(entry, kept ? withTrace(folded, kept.traceId) : folded);
    entry.freshSinceMs = this.options.clock.monotonic();
    entry.history.add(result);
    const { identity: check } = entry;
    const { traceId, spanId } = kept ?? noTrace;
    sink.run({
      check,
      outcome,
      reason,
      message,
      facts,
      atMs,
      durationMs,
      traceId,
      spanId,
      previousStatus: previous.status,
      status: folded.status,
      lastSuccessMs: folded.lastSuccessMs,
    });
    if (change) onChange({ check, ...change, atMs, ...said({ reason, message, detail, traceId, spanId }) });
    onNews();
    entry.announce();
  }

  private move(entry: CheckEntry, state: CheckState): void {
    const { census } = this.options;
    census.count(entry, -1);
    entry.state = state;
    census.count(entry, 1);
  }
}
