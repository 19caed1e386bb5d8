import { runbookOf } from "./check-rules.js";
import type { AlertingRule, RecordingRule } from "./rule.js";
import { agentLabels, label, series } from "./series.js";

const byAgent = `by (${agentLabels.join(", ")})`;
const agent = "{{ $labels.instance }} of {{ $labels.job }}";

/** The namespace is there where Kubernetes is scraped: fleets of one name in several of them are several. */
const byFleet = "by (job, namespace)";

interface AgentAlert {
  readonly expr: string;
  readonly for?: string;
  readonly severity: "critical" | "warning" | "none";
  readonly summary: string;
  readonly description: string;
}

const alerts: Readonly<Record<string, AgentAlert>> = {
  HealthAgentStale: {
    // OTLP leaves no mark when an agent ends, so that its last sample has to be looked for.
    expr: `time() - max ${byAgent} (last_over_time(${series.heartbeat}[1h])) > 90`,
    for: "1m",
    severity: "critical",
    summary: `Agent ${agent} has gone silent`,
    description: "Its last sign of life is {{ $value | humanizeDuration }} old: nobody watches what it watched.",
  },
  HealthAgentAbsent: {
    // Half of the ten minutes as patience: a Prometheus that has just started has seen nobody yet.
    // Not by the heartbeat: where sidecars alone are scraped it is left out, since they end with their pods.
    expr: `absent_over_time(${series.agentInfo}[5m])`,
    for: "5m",
    severity: "critical",
    summary: "No health agent reports at all",
    description: "No agent, or no way from the agents to this Prometheus, for ten minutes.",
  },
  HealthShardAbsent: {
    // Stale ends after an hour, and never begins for a shard that never came.
    expr: `max ${byFleet} (${series.agentShards}) - count ${byFleet} (count by (job, namespace, ${label.shard}) (${series.agentShards})) > 0`,
    for: "5m",
    severity: "critical",
    summary: "Shards of {{ $labels.job }} are missing: {{ $value }}",
    description: "Their checks are run by nobody.",
  },
  HealthSchedulerLate: {
    expr: `histogram_quantile(0.99, sum by (${agentLabels.join(", ")}, le) (rate(${series.lagBucket}[5m]))) > 1`,
    for: "5m",
    severity: "warning",
    summary: `Agent ${agent} starts its checks late`,
    description: "One start in a hundred is {{ $value | humanizeDuration }} late or more: it lacks CPU or slots.",
  },
  HealthRunsMissed: {
    expr: `sum ${byAgent} (increase(${series.missedRuns}[10m])) > 0`,
    for: "10m",
    severity: "warning",
    summary: `Agent ${agent} leaves runs out`,
    description: "{{ $value | humanize }} runs in ten minutes did not take place at all.",
  },
  HealthTelemetryDropping: {
    expr: `sum by (${[...agentLabels, label.signal].join(", ")}) (increase(${series.dropped}[10m])) > 0`,
    severity: "warning",
    summary: `Agent ${agent} loses {{ $labels.${label.signal} }}`,
    description: "{{ $value | humanize }} items in ten minutes will never arrive.",
  },
  HealthConfigReloadFailed: {
    expr: `max ${byAgent} (${series.reloadSuccess}) == 0`,
    for: "5m",
    severity: "warning",
    summary: `Agent ${agent} refuses its new configuration`,
    description: "It runs by the old one until the new one is mended.",
  },
  Watchdog: {
    expr: "vector(1)",
    severity: "none",
    summary: "This alert always fires",
    description:
      "Whoever receives it knows that rules are evaluated and notifications arrive; its absence is the alarm.",
  },
};

export const agentAlerts: readonly AlertingRule[] = Object.entries(alerts).map(
  ([name, { expr, for: patience, severity, summary, description }]) => ({
    alert: name,
    expr,
    ...(patience !== undefined && { for: patience }),
    labels: { severity },
    annotations: { summary, description, ...runbookOf(name) },
  }),
);

/** Names that older health check libraries have made known, for those who alert on them already. */
export const familiarRecordings: readonly RecordingRule[] = [
  {
    record: "health_check_total",
    expr:
      "label_replace(label_replace(sum by (job, instance, health_probe_name, health_state) (health_probe_requests_total), " +
      '"endpoint", "$1", "health_probe_name", "(.*)"), "status", "$1", "health_state", "(.*)")',
  },
  {
    record: "dependency_health_status",
    expr:
      `label_replace(max by (${agentLabels.join(", ")}, ${label.check}) ` +
      `(${series.status}{${label.state}="healthy"}), "dependency", "$1", "${label.check}", "(.*)")`,
  },
];
