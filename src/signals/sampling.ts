import type { Verdict } from "../check.js";

export interface EndedRun {
  readonly traceId: string;
  readonly outcome: Verdict;
  readonly hasStatusChanged: boolean;
}

/** Whether a run's trace is kept: failing and status-changing runs always, of the others a share. */
export function keepsTrace(run: EndedRun, successRatio: number): boolean {
  return run.outcome === "unhealthy" || run.hasStatusChanged || isInShare(run.traceId, successRatio);
}

const randomHexDigits = 13;
const randomRange = 16 ** randomHexDigits;

/**
 * Whether a trace id falls into a share of all, the same way wherever it is asked. The rightmost 56 bits of a trace id
 * are random (W3C Trace Context Level 2); 52 of them fit a double.
 */
export function isInShare(traceId: string, ratio: number): boolean {
  return ratio >= 1 || Number.parseInt(traceId.slice(-randomHexDigits), 16) < ratio * randomRange;
}
