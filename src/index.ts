/** The library's door: everything here runs on the OpenTelemetry API alone. */
export {
  type BoundKind,
  type Cancellation,
  type Check,
  CheckFailure,
  type CheckKind,
  type CheckRun,
  type ClientSpan,
  type Facts,
  type Outcome,
  type Phase,
  type Reason,
  type RunTrace,
  type Status,
  type Thresholds,
  type Verdict,
} from "./check.js";
export type { HistoryEntry } from "./health/history.js";
export type { DependencyReport, Report } from "./health/report.js";
export type { HealthOptions } from "./library/health-options.js";
export type { CheckFunction, RegisterOptions } from "./library/registration.js";
export { createHealth, type Health } from "./library.js";
export type { Handler } from "./server/answer.js";
export type { GateOptions } from "./server/gate.js";
export { isProbeRequest, type Probes, type ProbesOptions } from "./server/probes.js";
export type { DetailsRule } from "./server/settings.js";
export type { ServiceChange, StatusChange } from "./signals/record.js";
