import type { Phase, Status } from "../check.js";
import type { HistoryEntry } from "../health/history.js";
import type { DependencyReport, Report, Summary } from "../health/report.js";

/** What the endpoints read. Everything here answers from memory and at once; nothing starts or waits for a check. */
export interface HealthSource {
  /** The report as of now, memoised between changes; `exclude` leaves checks out of body and verdict. */
  report(exclude?: ReadonlySet<string>): Report;
  /** The same without the checks. */
  summary(exclude?: ReadonlySet<string>): Summary;
  /** One check of the report; undefined for one that does not exist. */
  dependency(check: string): DependencyReport | undefined;
  /** Changes whenever `report()` would say something new other than ages and timestamps. */
  readonly revision: number;
  readonly phase: Phase;
  readonly status: Status;
  /** False only when the loop turns but the scheduler has dispatched nothing due for 60 s. */
  readonly isAlive: boolean;
  /** Every check has had one result; latched. */
  readonly hasStarted: boolean;
  /** Results so far, oldest first; undefined for a check that does not exist. */
  history(check: string): readonly HistoryEntry[] | undefined;
}

/** A rendered exposition, in pieces small enough that nothing else waits for them. */
export interface Exposition {
  readonly contentType: string;
  readonly pieces: AsyncIterable<string | Uint8Array>;
}

/** Where `/metrics` comes from; rejects when collection fails. */
export interface MetricsSource {
  render(accept: string | undefined): Promise<Exposition>;
}

/** Told of every request that a probe endpoint answered. */
export interface ProbeObserver {
  probe(name: string, statusCode: number, state: Status | Phase, durationSeconds: number): void;
}
