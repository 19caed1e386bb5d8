import type { CheckPolicy, Phase, Status } from "../check.js";
import { Census, hasResult, isDown } from "./census.js";
import type { CheckState } from "./state.js";

/** One check, as whoever judges or shows it sees it. */
export interface CheckView {
  readonly policy: CheckPolicy;
  readonly state: CheckState;
  readonly isResources: boolean;
}

/** What gates readiness: the critical dependencies, or only that the agent's own scheduler runs. */
export type ReadinessMode = "dependencies" | "agent";

const messages = {
  unknown: "Waiting for the first results",
  unhealthy: "Critical dependencies are unhealthy",
  healthy: "All dependencies are healthy",
} as const;

/**
 * The status of the service: pure, from how many checks there are of each sort; unknown while starting, and while
 * draining if it never got further. A check without a result is left out otherwise.
 */
export function serviceStatus(checks: Census | readonly CheckView[], phase: Phase): Status {
  const { criticalWaiting, criticalDown, impaired } = censusOf(checks);
  if (phase === "starting" || (criticalWaiting > 0 && phase !== "running")) return "unknown";
  if (criticalDown > 0) return "unhealthy";
  return impaired > 0 ? "degraded" : "healthy";
}

const censusOf = (checks: Census | readonly CheckView[]): Census =>
  checks instanceof Census ? checks : Census.of(checks);

/** The status in a sentence; in degraded mode it names who is to blame. */
export function statusMessage(status: Status, checks: readonly CheckView[]): string {
  if (status !== "degraded") return messages[status];
  const settled = checks.filter(hasResult);
  const named = (isMeant: (status: Status) => boolean, word: string): readonly string[] => {
    const names = settled.filter(({ state }) => isMeant(state.status)).map(({ policy }) => policy.name);
    return names.length > 0 ? [`${names.join(", ")} ${word}`] : [];
  };
  const parts = [...named(isDown, "unavailable"), ...named((candidate) => candidate === "degraded", "degraded")];
  return `Running in degraded mode: ${parts.join("; ")}`;
}

/** In one line, why the service is not ready; null when it is. `starting` and `draining` never are. */
export function notReadyReason(checks: readonly CheckView[], phase: Phase, mode: ReadinessMode): string | null {
  if (phase === "draining") return "The process is draining";
  if (mode === "agent") return phase === "starting" ? "The scheduler has not started" : null;
  const critical = checks.filter(({ policy }) => policy.critical);
  const failing = critical.filter((check) => hasResult(check) && isDown(check.state.status));
  if (failing.length > 0) return failing.map(whyNot).join("; ");
  if (phase === "running") return null;
  const waiting = critical.filter((check) => !hasResult(check)).map(({ policy }) => policy.name);
  return waiting.length > 0 ? `Waiting for the first result of ${waiting.join(", ")}` : messages.unknown;
}

/** The phase after `previous`: running once every critical check has a result, and never back; draining is the last. */
export function nextPhase(previous: Phase, mode: ReadinessMode, checks: Census | readonly CheckView[]): Phase {
  if (previous !== "starting" || mode === "agent") return previous === "starting" ? "running" : previous;
  return censusOf(checks).criticalWaiting > 0 ? "starting" : "running";
}

function whyNot({ policy: { name }, state: { status, result } }: CheckView): string {
  if (status === "unknown") return `${name} is unknown: no result for three intervals`;
  return result?.message === undefined ? `${name} is ${status}` : `${name} is ${status}: ${result.message}`;
}
