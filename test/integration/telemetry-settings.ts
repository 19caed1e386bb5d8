import type { OtlpSettings, TelemetrySettings } from "../../src/telemetry/settings.js";

export interface OtlpOptions {
  readonly protocol?: OtlpSettings["protocol"];
  readonly compression?: OtlpSettings["compression"];
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: NonNullable<OtlpSettings["tls"]>;
  readonly timeoutMs?: number;
  readonly successRatio?: number;
  readonly intervalMs?: number;
  readonly maxQueueSize?: number;
  readonly temporality?: "cumulative" | "delta" | "lowmemory";
}

/** All three signals to one endpoint, impatiently. */
export function otlpTo(endpoint: string, options: OtlpOptions = {}): TelemetrySettings {
  const otlp = (signal: string): OtlpSettings => ({
    endpoint: `${endpoint}/v1/${signal}`,
    protocol: options.protocol ?? "http/json",
    headers: options.headers ?? {},
    timeoutMs: options.timeoutMs ?? 10_000,
    compression: options.compression ?? "none",
    ...(options.tls && { tls: options.tls }),
  });
  const batch = {
    maxQueueSize: options.maxQueueSize ?? 2_048,
    maxExportBatchSize: Math.min(512, options.maxQueueSize ?? 512),
    scheduledDelayMs: 50,
    exportTimeoutMs: 30_000,
  };
  return {
    diagnostics: "warn",
    resource: { "service.name": "checkout", "service.instance.id": "host:9464", "deployment.environment.name": "test" },
    traces: { otlp: otlp("traces"), successRatio: options.successRatio ?? 1, phases: false, batch },
    metrics: {
      otlp: otlp("metrics"),
      intervalMs: options.intervalMs ?? 200,
      timeoutMs: 30_000,
      temporality: options.temporality ?? "cumulative",
    },
    logs: { otlp: otlp("logs"), batch },
  };
}
