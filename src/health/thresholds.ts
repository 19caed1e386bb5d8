import type { Bound, Facts, Outcome, Threshold, Thresholds, Verdict } from "../check.js";

export interface Judged {
  readonly outcome: Outcome;
  /** Facts with a threshold that the run did not bring. */
  readonly skipped: readonly string[];
}

const nothingSkipped: readonly string[] = [];

/**
 * Holds a run's facts and its `duration_ms` against the thresholds. They can only worsen an outcome; comparison is strict.
 * An unhealthy run is left as it is: its own reason says more.
 */
export function applyThresholds(outcome: Outcome, durationMs: number, thresholds: Thresholds): Judged {
  const names = Object.keys(thresholds);
  if (names.length === 0 || outcome.status === "unhealthy") return { outcome, skipped: nothingSkipped };
  const crossed: Crossing[] = [];
  const skipped: string[] = [];
  for (const name of names) {
    const value = name === "duration_ms" ? durationMs : numberOf(outcome.facts, name);
    const threshold = thresholds[name];
    if (value === undefined || threshold === undefined) skipped.push(name);
    else collectCrossing(crossed, name, value, threshold);
  }
  return { outcome: worsen(outcome, crossed), skipped };
}

interface Crossing {
  readonly status: Verdict;
  readonly message: string;
}

function collectCrossing(crossed: Crossing[], name: string, value: number, threshold: Threshold): void {
  for (const status of ["unhealthy", "degraded"] as const) {
    const words = crossedBound(value, threshold[status]);
    if (words === undefined) continue;
    crossed.push({ status, message: `${name} is ${rounded(value)}, ${words}` });
    return;
  }
}

function worsen(outcome: Outcome, crossed: readonly Crossing[]): Outcome {
  const status = crossed.some((crossing) => crossing.status === "unhealthy") ? "unhealthy" : "degraded";
  const decisive = crossed.filter((crossing) => crossing.status === status);
  if (decisive.length === 0 || (outcome.status === "degraded" && status === "degraded")) return outcome;
  const message = decisive.map((crossing) => crossing.message).join("; ");
  return { ...outcome, status, reason: "threshold", message };
}

function crossedBound(value: number, bound: Bound | undefined): string | undefined {
  if (bound?.above !== undefined && value > bound.above) return `above ${bound.above}`;
  if (bound?.below !== undefined && value < bound.below) return `below ${bound.below}`;
  return undefined;
}

function numberOf(facts: Facts | undefined, name: string): number | undefined {
  const value = facts?.[name];
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

const rounded = (value: number): string => String(Math.round(value * 100) / 100);
