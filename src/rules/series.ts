import { attr, metric } from "../semconv.js";

const underscored = (name: string): string => name.replaceAll(".", "_");

/** Prometheus' names of our instruments, by the translation that the exposition and OTLP share. */
export const series = {
  status: underscored(metric.checkStatus),
  runs: `${underscored(metric.checkRuns)}_total`,
  transitions: `${underscored(metric.checkTransitions)}_total`,
  agentInfo: underscored(metric.agentInfo),
  agentShards: underscored(metric.agentShards),
  heartbeat: `${underscored(metric.agentHeartbeat)}_seconds`,
  lagBucket: `${underscored(metric.schedulerLag)}_seconds_bucket`,
  missedRuns: `${underscored(metric.schedulerMissedRuns)}_total`,
  reloadSuccess: underscored(metric.configLastReloadSuccess),
  dropped: `${underscored(metric.telemetryDropped)}_total`,
  tlsTimeLeft: "health_tls_certificate_time_left_seconds",
  httpTimeLeft: "health_http_certificate_time_left_seconds",
} as const;

export const label = {
  check: underscored(attr.checkName),
  kind: underscored(attr.checkKind),
  critical: underscored(attr.checkCritical),
  state: underscored(attr.checkState),
  reason: underscored(attr.errorType),
  signal: underscored(attr.signal),
  shard: underscored(attr.shardIndex),
} as const;

/** What tells one check of one agent from all others; both come from the scrape or from the resource. */
export const agentLabels = ["job", "instance"] as const;
export const checkLabels = [...agentLabels, label.check, label.kind] as const;
