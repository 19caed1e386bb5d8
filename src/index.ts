/** The library's door: everything here runs on the OpenTelemetry API alone. */
export {
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
} from "./check.js";
export type { DependencyReport, Report } from "./health/report.js";
export {
  type BoundKind,
  type CheckFunction,
  createHealth,
  type Health,
  type HealthOptions,
  type RegisterOptions,
} from "./library.js";
export { isProbeRequest } from "./server/probes.js";
export type { ServiceChange, StatusChange } from "./signals/record.js";
