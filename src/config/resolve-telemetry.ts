import type {
  BatchConfig,
  LogsConfig,
  MetricsConfig,
  OtlpConfig,
  TelemetryConfig,
  TracesConfig,
} from "./agent-config.js";
import { type OtlpLayer, type Signal, signals, type TelemetryLayer } from "./otel-environment.js";

/** A layer of settings and what to call the place of one: a file and line, or a variable. */
export interface TelemetrySource {
  readonly layer: TelemetryLayer;
  originOf(path: string): string | undefined;
}

export interface ResolvedTelemetry {
  readonly telemetry: TelemetryConfig;
  readonly origins: ReadonlyMap<string, string>;
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
  readonly secrets: readonly string[];
}

const disabledNotice = "telemetry is disabled: nothing is traced or exported; /metrics is served all the same";
const second = 1_000;
const batchDefaults = { maxQueueSize: 2_048, maxExportBatchSize: 512, exportTimeout: 30 * second };
const scheduledDelays = { traces: 5 * second, logs: second };
const metricsInterval = 10 * second;

/** One setting for one signal out of all layers, the first that says it: config file, then environment, then default. */
export function resolveTelemetry(
  sources: readonly TelemetrySource[],
  resource: TelemetryConfig["resource"],
): ResolvedTelemetry {
  return new TelemetryResolver(sources).resolve(resource);
}

type Select<Value> = (layer: TelemetryLayer) => Value | undefined;

class TelemetryResolver {
  private readonly origins = new Map<string, string>();
  private readonly notices = new Set<string>();
  private readonly warnings = new Set<string>();
  private readonly secrets = new Set<string>();

  constructor(private readonly sources: readonly TelemetrySource[]) {}

  resolve(resource: TelemetryConfig["resource"]): ResolvedTelemetry {
    const disabled = this.pick("telemetry.disabled", ({ disabled }) => disabled) ?? false;
    const otlp = new Map(signals.map((signal) => [signal, this.resolveOtlp(signal)]));
    const telemetry: TelemetryConfig = {
      disabled,
      diagnostics: this.pick("telemetry.diagnostics", ({ diagnostics }) => diagnostics) ?? "warn",
      propagate: this.pick("telemetry.propagate", ({ propagate }) => propagate) ?? true,
      resource,
      ...(!disabled && this.resolveSignals(otlp)),
    };
    if (disabled) this.notices.add(disabledNotice);
    else this.noticeWithoutEndpoint();
    const { origins, notices, warnings, secrets } = this;
    return { telemetry, origins, notices: [...notices], warnings: [...warnings], secrets: [...secrets] };
  }

  private noticeWithoutEndpoint(): void {
    const hasEndpoint = this.sources.some(
      ({ layer }) => layer.otlp?.endpoint || signals.some((signal) => layer[signal]?.otlp?.endpoint),
    );
    if (hasEndpoint) return;
    this.notices.add(
      "OTLP export is off: no endpoint is given by telemetry.otlp.endpoint or OTEL_EXPORTER_OTLP_ENDPOINT",
    );
  }

  private resolveSignals(otlp: ReadonlyMap<Signal, OtlpConfig | undefined>) {
    const traces = otlp.get("traces");
    const metrics = otlp.get("metrics");
    const logs = otlp.get("logs");
    return {
      ...(traces && { traces: this.traces(traces) }),
      ...(metrics && { metrics: this.metrics(metrics) }),
      ...(logs && { logs: this.logs(logs) }),
    };
  }

  private traces(otlp: OtlpConfig): TracesConfig {
    return {
      otlp,
      successRatio: this.pick("telemetry.traces.successRatio", ({ traces }) => traces?.successRatio) ?? 1,
      phases: this.pick("telemetry.traces.phases", ({ traces }) => traces?.phases) ?? false,
      batch: this.batch("traces"),
    };
  }

  private metrics(otlp: OtlpConfig): MetricsConfig {
    const intervalMs = this.pick("telemetry.metrics.interval", ({ metrics }) => metrics?.interval) ?? metricsInterval;
    const timeout = this.pick("telemetry.metrics.timeout", ({ metrics }) => metrics?.timeout) ?? 30 * second;
    const temporality = this.pick("telemetry.metrics.temporality", ({ metrics }) => metrics?.temporality);
    // The SDK refuses a timeout above the interval.
    return { otlp, intervalMs, timeoutMs: Math.min(timeout, intervalMs), temporality: temporality ?? "cumulative" };
  }

  private logs(otlp: OtlpConfig): LogsConfig {
    return { otlp, batch: this.batch("logs") };
  }

  private batch(signal: "traces" | "logs"): BatchConfig {
    const pick = (key: keyof typeof batchDefaults | "scheduledDelay") =>
      this.pick(`telemetry.${signal}.batch.${key}`, (layer) => layer[signal]?.batch?.[key]);
    const maxQueueSize = pick("maxQueueSize") ?? batchDefaults.maxQueueSize;
    const batchSize = pick("maxExportBatchSize") ?? batchDefaults.maxExportBatchSize;
    return {
      maxQueueSize,
      maxExportBatchSize: Math.min(batchSize, maxQueueSize),
      scheduledDelayMs: pick("scheduledDelay") ?? scheduledDelays[signal],
      exportTimeoutMs: pick("exportTimeout") ?? batchDefaults.exportTimeout,
    };
  }

  private resolveOtlp(signal: Signal): OtlpConfig | undefined {
    if (this.pick(`telemetry.${signal}.enabled`, (layer) => layer[signal]?.enabled) === false) return undefined;
    const endpoint = this.endpoint(signal);
    if (endpoint === undefined) return undefined;
    const headers = this.headers(signal);
    const tls = this.pickOtlp(signal, "tls");
    this.keepSecrets(endpoint, headers, tls?.key);
    return {
      endpoint,
      protocol: this.protocol(signal, endpoint),
      headers,
      timeoutMs: this.pickOtlp(signal, "timeout") ?? 10 * second,
      compression: this.pickOtlp(signal, "compression") ?? "none",
      ...(tls && { tls: withoutUndefined(tls) }),
    };
  }

  /** The general endpoint is a base, a signal's own is used as it is (OTLP exporter specification). */
  private endpoint(signal: Signal): string | undefined {
    const path = `telemetry.${signal}.otlp.endpoint`;
    for (const { layer, originOf } of this.sources) {
      const own = layer[signal]?.otlp?.endpoint;
      const base = layer.otlp?.endpoint;
      if (own === undefined && base === undefined) continue;
      this.origins.set(path, originOf(own === undefined ? "telemetry.otlp.endpoint" : path) ?? "default");
      return own ?? appendPath(base ?? "", `v1/${signal}`);
    }
    return undefined;
  }

  private protocol(signal: Signal, endpoint: string): OtlpConfig["protocol"] {
    const protocol = this.pickOtlp(signal, "protocol") ?? "http/json";
    const isGrpc = protocol === "grpc";
    const url = new URL(endpoint);
    if (isGrpc || url.port === "4317") {
      const cause = isGrpc
        ? "OTLP over gRPC is asked for"
        : `the OTLP endpoint ${url.host} is on port 4317, that of gRPC`;
      this.warnings.add(`${cause}; only OTLP over HTTP is spoken, which a Collector takes on port 4318`);
    }
    return isGrpc ? "http/json" : protocol;
  }

  /** Merged by name; of two that say the same header the file wins, then the signal's own. */
  private headers(signal: Signal): Readonly<Record<string, string>> {
    const merged: Record<string, string> = {};
    for (const { layer, originOf } of [...this.sources].reverse()) {
      for (const [path, headers] of [
        ["telemetry.otlp.headers", layer.otlp?.headers],
        [`telemetry.${signal}.otlp.headers`, layer[signal]?.otlp?.headers],
      ] as const) {
        for (const [name, value] of Object.entries(headers ?? {})) {
          merged[name.toLowerCase()] = value;
          const origin = originOf(`${path}.${name}`) ?? originOf(path) ?? "default";
          this.origins.set(`telemetry.${signal}.otlp.headers.${name.toLowerCase()}`, origin);
        }
      }
    }
    return merged;
  }

  private keepSecrets(endpoint: string, headers: Readonly<Record<string, string>>, key: string | undefined): void {
    const { password, searchParams } = new URL(endpoint);
    for (const text of [password, ...searchParams.values(), ...Object.values(headers), key ?? ""]) {
      if (text !== "") this.secrets.add(text);
    }
  }

  private pickOtlp<Key extends keyof OtlpLayer>(signal: Signal, key: Key): OtlpLayer[Key] {
    const target = `telemetry.${signal}.otlp.${key}`;
    for (const { layer, originOf } of this.sources) {
      for (const [path, value] of [
        [target, layer[signal]?.otlp?.[key]],
        [`telemetry.otlp.${key}`, layer.otlp?.[key]],
      ] as const) {
        if (value === undefined) continue;
        this.origins.set(target, originOf(path) ?? "default");
        return value;
      }
    }
    return undefined;
  }

  private pick<Value>(path: string, select: Select<Value>): Value | undefined {
    for (const { layer, originOf } of this.sources) {
      const value = select(layer);
      if (value === undefined) continue;
      this.origins.set(path, originOf(path) ?? "default");
      return value;
    }
    return undefined;
  }
}

function appendPath(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  return url.href;
}

function withoutUndefined(tls: NonNullable<OtlpLayer["tls"]>): NonNullable<OtlpConfig["tls"]> {
  return {
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
  };
}
