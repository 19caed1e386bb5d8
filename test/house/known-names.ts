import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Facts, FactTable, FactValue } from "../../src/check.js";
import { kinds } from "../../src/kinds/index.js";
import { attr, event } from "../../src/semconv.js";
import { createAgentInstruments, createDropCounter, signals } from "../../src/signals/agent-instruments.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { createProbeInstruments } from "../../src/signals/probe-instruments.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { toFamilies } from "../../src/telemetry/prometheus-families.js";
import { type FamilyType, familyName, labelName } from "../../src/telemetry/prometheus-names.js";
import { createReader } from "../signals/collected.js";
import { identity, record } from "../signals/records.js";

/** A metric as OpenTelemetry and as Prometheus name it. */
export interface KnownMetric {
  readonly name: string;
  readonly type: FamilyType;
  /** Name of the family, `_total` included. */
  readonly family: string;
  /** Names of its series. */
  readonly series: readonly string[];
}

function known(name: string, base: string, type: FamilyType): KnownMetric {
  const family = type === "counter" ? `${base}_total` : base;
  const series = type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => base + suffix) : [family];
  return { name, type, family, series };
}

/** Everything that an agent can say: collected from its own instruments, with a check of each kind that has every fact. */
export async function agentMetrics(): Promise<readonly KnownMetric[]> {
  const counts = new CheckCounts();
  const { reader, provider } = createReader({ metricProducers: [createMetricProducer(counts)] });
  const meter = provider.getMeter("healthspan");
  createAgentInstruments(meter, { version: "0", configHash: "0", counts, shard: { index: 0, of: 2 } });
  createProbeInstruments(meter).probe("readyz", 200, "healthy", 0.001);
  createDropCounter(meter, () => signals.map((signal) => [signal, 0] as const));
  counts.lag(0.001);
  for (const { kind, facts, hasOpenFacts = false } of kinds) {
    const check = identity(kind, { kind, facts, hasOpenFacts });
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { facts: { ...someFacts(facts), ...(hasOpenFacts && { anything: 1 }) } }));
    counts.orphaned(check);
  }
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics.flatMap((scope) =>
    scope.metrics.flatMap((one) => {
      const { families } = toFamilies([{ scope: scope.scope, metrics: [one] }]);
      return families.map(({ base, type }) => known(one.descriptor.name, base, type));
    }),
  );
}

function someFacts(table: FactTable): Facts {
  const factValue = ({ type, items }: FactTable[string]): FactValue => {
    if (items)
      return [{ [items.key]: "a", ...Object.fromEntries(Object.keys(items.metrics ?? {}).map((key) => [key, 1])) }];
    return type === "boolean" ? true : type === "string" ? "text" : 1;
  };
  return Object.fromEntries(Object.entries(table).map(([fact, declared]) => [fact, factValue(declared)]));
}

interface CollectorConfig {
  readonly connectors: {
    readonly signal_to_metrics: {
      readonly logs: readonly { readonly name: string; readonly gauge?: unknown; readonly sum?: unknown }[];
    };
  };
}

/** What the Collector makes of the agents' events and spans, and of itself (as it names it: no `_total`). */
export function collectorMetrics(): readonly KnownMetric[] {
  const { connectors } = parse(read("otel-collector/config.yaml"), { merge: true }) as CollectorConfig;
  const fromEvents = connectors.signal_to_metrics.logs.map(({ name, gauge }) => {
    const type = gauge === undefined ? "counter" : "gauge";
    return known(name, familyName(name, "", type).base, type);
  });
  return [
    ...fromEvents,
    known("traces.span.metrics.calls", "traces_span_metrics_calls", "counter"),
    known("traces.span.metrics.duration", "traces_span_metrics_duration_seconds", "histogram"),
    ...[...collectorItself.always, ...collectorItself.sometimes].map((name) => known(name, name, "gauge")),
  ];
}

/** Its own metrics, as version 0.155 shows them on its port 8888. Counters of failures are born with the first one. */
export const collectorItself = {
  always: [
    "otelcol_exporter_in_flight_requests",
    "otelcol_exporter_queue_capacity",
    "otelcol_exporter_queue_size",
    "otelcol_exporter_sent_metric_points",
    "otelcol_exporter_sent_spans",
    "otelcol_process_cpu_seconds",
    "otelcol_process_memory_rss",
    "otelcol_process_runtime_heap_alloc_bytes",
    "otelcol_process_uptime",
    "otelcol_processor_incoming_items",
    "otelcol_processor_outgoing_items",
    "otelcol_receiver_accepted_log_records",
    "otelcol_receiver_accepted_metric_points",
    "otelcol_receiver_accepted_spans",
    "otelcol_receiver_refused_log_records",
    "otelcol_receiver_refused_metric_points",
    "otelcol_receiver_refused_spans",
  ],
  sometimes: [
    "otelcol_exporter_enqueue_failed_log_records",
    "otelcol_exporter_enqueue_failed_metric_points",
    "otelcol_exporter_enqueue_failed_spans",
    "otelcol_exporter_send_failed_log_records",
    "otelcol_exporter_send_failed_metric_points",
    "otelcol_exporter_send_failed_spans",
    "otelcol_exporter_sent_log_records",
    "otelcol_processor_filter_spans_filtered",
    // With the overlay tail-sampling.yaml.
    "otelcol_processor_tail_sampling_count_traces_sampled",
    "otelcol_processor_tail_sampling_global_count_traces_sampled",
    "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early",
  ],
} as const;

const attributes = Object.values(attr) as readonly string[];

/** Attributes of ours, in both spellings, and prefixes after which the user's own names follow. */
export const attributeNames = new Set<string>([
  ...attributes.filter((name) => !name.endsWith(".")),
  ...Object.values(event),
]);
export const labelNames = new Set([...attributeNames].map(labelName));
export const openPrefixes = attributes.filter((name) => name.endsWith("."));

export const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
