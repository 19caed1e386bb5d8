import { type Check, CheckFailure, type CheckRun, formatDuration, type Outcome, type RunTrace } from "../check.js";
import type { RunSpan } from "../signals/run-span.js";
import { RunCancellation } from "./cancellation.js";
import type { Deadline, Deadlines } from "./deadlines.js";

/** What became of a run. */
export type Ending = { readonly outcome: Outcome } | { readonly error: unknown };

export interface ActiveRunOptions {
  readonly check: Check;
  readonly timeoutMs: number;
  readonly span: RunSpan;
  readonly deadlines: Deadlines;
  /** For a check that costs money. */
  readonly spend?: (() => boolean) | undefined;
  /** The run has lasted a second. */
  readonly onLong: () => void;
  /** Called exactly once, at the deadline at the latest; `isOrphaned` when the check has not settled by then. */
  readonly onEnd: (ending: Ending, isOrphaned: boolean) => void;
  /** Called once when an orphaned run settles after all. */
  readonly onOrphanSettled: () => void;
}

const longAfterMs = 1_000;
/** For a client that honours the signal to settle, with the facts it has, before the run counts as orphaned. */
const graceMs = 50;

/**
 * What a check is given. Its signal is made when asked for, by a getter that all runs share: V8 keeps a shape for each
 * function that is one, and what that function knows with it. Its own, so that a copy of the run has it.
 */
class GivenRun implements CheckRun {
  declare readonly signal: AbortSignal;
  declare spend?: () => boolean;

  constructor(
    readonly cancellation: RunCancellation,
    readonly timeoutMs: number,
    readonly trace: RunTrace,
  ) {
    Object.defineProperty(this, "signal", signalOfRun);
  }
}

const signalOfRun: PropertyDescriptor & ThisType<GivenRun> = {
  enumerable: true,
  get() {
    return this.cancellation.signal;
  },
};

/** One execution of a check, raced against its deadline: a check that ignores its signal does not hold the run. */
export class ActiveRun {
  private readonly cancellation = new RunCancellation();
  private deadline: Deadline | undefined;
  private hasEnded = false;
  private isExpired = false;

  constructor(private readonly options: ActiveRunOptions) {}

  begin(): void {
    const { check, span, timeoutMs, spend } = this.options;
    this.expect(Math.min(longAfterMs, timeoutMs), () => this.grow(timeoutMs - longAfterMs));
    // Not the span itself, which may be every run's: what a check does to it would reach other checks.
    const trace: RunTrace = { client: (name, attributes, call) => span.client(name, attributes, call) };
    const run = new GivenRun(this.cancellation, timeoutMs, trace);
    if (spend) run.spend = spend;
    let running: Promise<Outcome>;
    try {
      running = Promise.resolve(span.within(() => check.run(run)));
    } catch (error) {
      running = Promise.reject(error);
    }
    running.then(
      (outcome) => this.settle({ outcome }),
      (error: unknown) => this.settle({ error }),
    );
  }

  /** Ends the run early: the check is going away. Like at the deadline, it has the grace to settle. */
  abort(reason: CheckFailure): void {
    this.cancellation.abort(reason);
    if (!this.hasEnded) this.expect(graceMs, () => this.end({ error: reason }, true));
  }

  private grow(remainingMs: number): void {
    if (remainingMs <= 0) {
      this.expire();
      return;
    }
    this.options.onLong();
    this.expect(remainingMs, () => this.expire());
  }

  private expire(): void {
    this.isExpired = true;
    this.cancellation.abort(this.timeoutFailure());
    this.expect(graceMs, () => this.end({ error: this.timeoutFailure() }, true));
  }

  private settle(ending: Ending): void {
    if (this.hasEnded) this.options.onOrphanSettled();
    else this.end(this.isExpired ? { error: this.timeoutFailure(ending) } : ending, false);
  }

  private end(ending: Ending, isOrphaned: boolean): void {
    this.hasEnded = true;
    if (this.deadline) this.options.deadlines.end(this.deadline);
    this.options.onEnd(ending, isOrphaned);
  }

  private expect(lengthMs: number, onExpiry: () => void): void {
    if (this.deadline) this.options.deadlines.end(this.deadline);
    this.deadline = this.options.deadlines.add(lengthMs, onExpiry);
  }

  /** After the deadline whatever a check says is a timeout; the facts and the client's words are kept. */
  private timeoutFailure(ending?: Ending): CheckFailure {
    const error = ending !== undefined && "error" in ending ? ending.error : undefined;
    const facts = error instanceof CheckFailure ? error.facts : undefined;
    const detail = error instanceof CheckFailure ? error.detail : undefined;
    return new CheckFailure("timeout", `no answer within ${formatDuration(this.options.timeoutMs)}`, {
      ...(facts && { facts }),
      ...(detail !== undefined && { detail }),
    });
  }
}
