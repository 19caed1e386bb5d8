import type { Phase } from "../check.js";
import type { CheckView } from "./report.js";
import type { ReadinessMode } from "./verdict.js";

/** The phase after `previous`: running once every critical check has a result, and never back; draining is the last. */
export function nextPhase(previous: Phase, mode: ReadinessMode, checks: Iterable<CheckView>): Phase {
  if (previous !== "starting" || mode === "agent") return previous === "starting" ? "running" : previous;
  for (const { policy, state } of checks) {
    if (policy.critical && state.result === undefined) return "starting";
  }
  return "running";
}
