import type { Phase, Status } from "../check.js";

/** What the verdict needs to know of a check. */
export interface Judgeable {
  readonly name: string;
  readonly critical: boolean;
  readonly status: Status;
  /** False until the first result: the check is shown, and left out of the verdict. */
  readonly hasResult: boolean;
  /** The last result's own message, for the one line that says why the service is not ready. */
  readonly why?: string | undefined;
}

export interface ServiceVerdict {
  readonly status: Status;
  readonly message: string;
  readonly readiness: boolean;
  /** In one line, why not ready; null when ready. */
  readonly reason: string | null;
}

/** What gates readiness: the critical dependencies, or only that the agent's own scheduler runs. */
export type ReadinessMode = "dependencies" | "agent";

export const verdictMessage = {
  starting: "Waiting for the first results",
  unhealthy: "Critical dependencies are unhealthy",
  healthy: "All dependencies are healthy",
} as const;

/**
 * The status of the service: pure, from the checks' states. `starting` and `draining` are never ready. Once the process
 * is running, a check that a reload added is left out until its first result, critical or not.
 */
export function judgeService(
  checks: readonly Judgeable[],
  phase: Phase,
  readinessMode: ReadinessMode = "dependencies",
): ServiceVerdict {
  const waiting = phase === "running" ? [] : checks.filter((check) => check.critical && !check.hasResult);
  const failing = checks.filter((check) => check.critical && check.hasResult && isDown(check.status));
  const status = serviceStatus(checks, waiting.length, failing.length);
  const message = statusMessage(status, checks);
  const reason = notReadyReason(phase, readinessMode, waiting, failing);
  return { status, message, readiness: reason === null, reason };
}

const isDown = (status: Status): boolean => status === "unhealthy" || status === "unknown";

function serviceStatus(checks: readonly Judgeable[], waiting: number, failing: number): Status {
  if (waiting > 0) return "unknown";
  if (failing > 0) return "unhealthy";
  return checks.some((check) => check.hasResult && check.status !== "healthy") ? "degraded" : "healthy";
}

function statusMessage(status: Status, checks: readonly Judgeable[]): string {
  if (status === "unknown") return verdictMessage.starting;
  if (status === "unhealthy") return verdictMessage.unhealthy;
  if (status === "healthy") return verdictMessage.healthy;
  const settled = checks.filter((check) => check.hasResult);
  const unavailable = settled.filter((check) => isDown(check.status)).map((check) => check.name);
  const degraded = settled.filter((check) => check.status === "degraded").map((check) => check.name);
  const parts = [
    ...(unavailable.length > 0 ? [`${unavailable.join(", ")} unavailable`] : []),
    ...(degraded.length > 0 ? [`${degraded.join(", ")} degraded`] : []),
  ];
  return `Running in degraded mode: ${parts.join("; ")}`;
}

function notReadyReason(
  phase: Phase,
  mode: ReadinessMode,
  waiting: readonly Judgeable[],
  failing: readonly Judgeable[],
): string | null {
  if (phase === "draining") return "The process is draining";
  if (mode === "agent") return phase === "starting" ? "The scheduler has not started" : null;
  if (failing.length > 0) return failing.map(whyNot).join("; ");
  if (waiting.length > 0) return `Waiting for the first result of ${waiting.map((check) => check.name).join(", ")}`;
  return phase === "starting" ? verdictMessage.starting : null;
}

const whyNot = ({ name, status, why }: Judgeable): string =>
  `${name} is ${status}${why === undefined ? "" : `: ${why}`}`;
