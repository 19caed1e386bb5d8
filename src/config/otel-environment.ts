import type { TelemetryConfig } from "./agent-config.js";
import { type Disk, decodeText } from "./disk.js";
import { fingerprintOf, unreadable, type Watched } from "./fingerprint.js";
import { isHeaderName, isHeaderValue, pemPattern } from "./option-types.js";
import type { Environment } from "./sources.js";
import { alternatives } from "./suggest.js";

export const signals = ["traces", "metrics", "logs"] as const;
export type Signal = (typeof signals)[number];

/** Settings of one layer; the config file's and the environment's have the same shape. */
export interface OtlpLayer {
  readonly endpoint?: string | undefined;
  readonly protocol?: "http/json" | "http/protobuf" | "grpc" | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeout?: number | undefined;
  readonly compression?: "none" | "gzip" | undefined;
  readonly tls?: TlsLayer | undefined;
}
export interface TlsLayer {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}
export interface BatchLayer {
  readonly maxQueueSize?: number | undefined;
  readonly maxExportBatchSize?: number | undefined;
  readonly scheduledDelay?: number | undefined;
  readonly exportTimeout?: number | undefined;
}
export interface SignalLayer {
  readonly enabled?: boolean | undefined;
  readonly otlp?: OtlpLayer | undefined;
}
export interface TelemetryLayer {
  readonly disabled?: boolean | undefined;
  readonly diagnostics?: TelemetryConfig["diagnostics"] | undefined;
  readonly propagate?: boolean | undefined;
  readonly resource?: TelemetryConfig["resource"] | undefined;
  readonly otlp?: OtlpLayer | undefined;
  readonly traces?:
    | (SignalLayer & {
        readonly successRatio?: number | undefined;
        readonly phases?: boolean | undefined;
        readonly batch?: BatchLayer | undefined;
      })
    | undefined;
  readonly metrics?:
    | (SignalLayer & {
        readonly interval?: number | undefined;
        readonly timeout?: number | undefined;
        readonly temporality?: "cumulative" | "delta" | "lowmemory" | undefined;
      })
    | undefined;
  readonly logs?: (SignalLayer & { readonly batch?: BatchLayer | undefined }) | undefined;
}

export interface OtelEnvironment {
  readonly telemetry: TelemetryLayer;
  readonly serviceName: string | undefined;
  /** The variable behind a setting, by its path: `telemetry.traces.successRatio`. */
  readonly origins: ReadonlyMap<string, string>;
  /** What is set but cannot be followed. As the specification asks, it is said and passed over, never fatal. */
  readonly warnings: readonly string[];
  /** Files that it names, to be watched. */
  readonly files: readonly Watched[];
}

/** What the standard `OTEL_*` variables ask for. */
export function readOtelEnvironment(env: Environment, disk: Disk): OtelEnvironment {
  return new OtelReader(env, disk).read();
}

const maxTimerMs = 2_147_483_647;

class OtelReader {
  private readonly origins = new Map<string, string>();
  private readonly warnings: string[] = [];
  private readonly files: Watched[] = [];

  constructor(
    private readonly env: Environment,
    private readonly disk: Disk,
  ) {}

  read(): OtelEnvironment {
    if (this.text("OTEL_CONFIG_FILE")) this.ignore("OTEL_CONFIG_FILE", "is not supported", "");
    const telemetry: TelemetryLayer = {
      disabled: this.set("telemetry.disabled", "OTEL_SDK_DISABLED", this.boolean("OTEL_SDK_DISABLED")),
      diagnostics: this.set("telemetry.diagnostics", "OTEL_LOG_LEVEL", this.diagnostics()),
      propagate: this.set("telemetry.propagate", "OTEL_PROPAGATORS", this.propagate()),
      resource: this.resource(),
      otlp: this.otlp("telemetry.otlp", "OTEL_EXPORTER_OTLP_"),
      traces: { ...this.signal("traces"), ...this.sampler(), batch: this.batch("traces", "OTEL_BSP_") },
      metrics: { ...this.signal("metrics"), ...this.metrics() },
      logs: { ...this.signal("logs"), batch: this.batch("logs", "OTEL_BLRP_") },
    };
    const serviceName = this.text("OTEL_SERVICE_NAME");
    return { telemetry, serviceName, origins: this.origins, warnings: this.warnings, files: this.files };
  }

  /** Empty counts as unset (specification, "Parsing empty value"). */
  private text(name: string): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  private set<Value>(path: string, name: string, value: Value | undefined): Value | undefined {
    if (value !== undefined) this.origins.set(path, name);
    return value;
  }

  private ignore(name: string, problem: string, mend: string): undefined {
    this.warnings.push(`${name} ${problem} and is ignored${mend === "" ? "" : `; ${mend}`}`);
    return undefined;
  }

  private boolean(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text === "true" || text === "false") return text === "true";
    return this.ignore(name, "is neither true nor false", "");
  }

  private number(name: string, { min = 1, max = maxTimerMs } = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    return this.ignore(name, "is no whole number in bounds", `write ${min} to ${max}`);
  }

  private oneOf<Value extends string>(name: string, known: readonly Value[]): Value | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    return (
      known.find((value) => value === text) ?? this.ignore(name, "has an unknown value", `write ${alternatives(known)}`)
    );
  }

  private diagnostics(): TelemetryLayer["diagnostics"] {
    return this.oneOf("OTEL_LOG_LEVEL", ["none", "error", "warn", "info", "debug", "verbose", "all"]);
  }

  private propagate(): boolean | undefined {
    const text = this.text("OTEL_PROPAGATORS");
    return text?.split(",").some((name) => name.trim().toLowerCase() === "tracecontext");
  }

  private resource(): TelemetryLayer["resource"] {
    const name = "OTEL_RESOURCE_ATTRIBUTES";
    const attributes = this.pairs(name);
    for (const key of Object.keys(attributes ?? {})) this.origins.set(`telemetry.resource.${key}`, name);
    return attributes;
  }

  /** `key=value,key=value`, percent-encoded; one bad pair discards all of it, as the specification says of resources. */
  private pairs(name: string): Record<string, string> | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      const pairs = text.split(",").filter((pair) => pair.trim() !== "");
      return Object.fromEntries(pairs.map(decodePair));
    } catch {
      return this.ignore(name, "cannot be read", "write key=value,key=value with percent-encoded values");
    }
  }

  private signal(signal: Signal): SignalLayer {
    const upper = signal.toUpperCase();
    const exporter = `OTEL_${upper}_EXPORTER`;
    return {
      enabled: this.set(`telemetry.${signal}.enabled`, exporter, this.exporter(exporter, signal)),
      otlp: this.otlp(`telemetry.${signal}.otlp`, `OTEL_EXPORTER_OTLP_${upper}_`),
    };
  }

  private exporter(name: string, signal: Signal): boolean | undefined {
    const chosen = this.text(name)
      ?.toLowerCase()
      .split(",")
      .map((part) => part.trim());
    if (chosen === undefined) return undefined;
    const known = signal === "metrics" ? ["otlp", "none", "prometheus"] : ["otlp", "none"];
    const unknown = chosen.filter((each) => !known.includes(each));
    if (unknown.length > 0)
      this.warnings.push(`${name} names an exporter that is not there; there are ${alternatives(known)}`);
    return chosen.includes("otlp");
  }

  private otlp(path: string, prefix: string): OtlpLayer {
    const set = <Value>(key: string, name: string, value: Value | undefined): Value | undefined =>
      this.set(`${path}.${key}`, `${prefix}${name}`, value);
    const headers = this.headers(`${prefix}HEADERS`);
    return {
      endpoint: set("endpoint", "ENDPOINT", this.endpoint(`${prefix}ENDPOINT`)),
      protocol: set("protocol", "PROTOCOL", this.oneOf(`${prefix}PROTOCOL`, ["http/json", "http/protobuf", "grpc"])),
      headers: set("headers", "HEADERS", headers),
      timeout: set("timeout", "TIMEOUT", this.number(`${prefix}TIMEOUT`)),
      compression: set("compression", "COMPRESSION", this.oneOf(`${prefix}COMPRESSION`, ["none", "gzip"])),
      tls: set("tls", "CERTIFICATE", this.tls(prefix)),
    };
  }

  private endpoint(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined || (/^https?:\/\//i.test(text) && URL.canParse(text))) return text;
    return this.ignore(name, "is no http or https URL", "write one such as http://collector:4318");
  }

  private headers(name: string): Record<string, string> | undefined {
    const headers = this.pairs(name);
    if (headers === undefined) return undefined;
    const isSendable = Object.entries(headers).every(([key, value]) => isHeaderName(key) && isHeaderValue(value));
    return isSendable ? headers : this.ignore(name, "has a header that cannot be sent", "");
  }

  private tls(prefix: string): TlsLayer | undefined {
    const ca = this.pem(`${prefix}CERTIFICATE`);
    const cert = this.pem(`${prefix}CLIENT_CERTIFICATE`);
    const key = this.pem(`${prefix}CLIENT_KEY`);
    if ((cert === undefined) !== (key === undefined)) {
      this.ignore(`${prefix}CLIENT_CERTIFICATE or ${prefix}CLIENT_KEY`, "is there without the other", "set both");
      return ca === undefined ? undefined : { ca };
    }
    return ca === undefined && cert === undefined ? undefined : { ca, cert, key };
  }

  private pem(name: string): string | undefined {
    const path = this.text(name);
    if (path === undefined) return undefined;
    let fingerprint = unreadable;
    try {
      const bytes = this.disk.read(path);
      fingerprint = fingerprintOf(bytes);
      const text = decodeText(bytes);
      return pemPattern.test(text) ? text : this.ignore(name, "names a file that holds no PEM text", "");
    } catch (error) {
      return this.ignore(name, `names a file that cannot be read (${(error as Error).message})`, "");
    } finally {
      this.files.push({ path, fingerprint });
    }
  }

  private sampler(): { readonly successRatio?: number | undefined; readonly enabled?: false } {
    const name = "OTEL_TRACES_SAMPLER";
    const sampler = this.text(name)
      ?.toLowerCase()
      .replace(/^parentbased_/, "");
    if (sampler === undefined) return {};
    if (sampler === "always_off") {
      this.origins.set("telemetry.traces.enabled", name);
      return { enabled: false };
    }
    if (sampler === "traceidratio")
      return { successRatio: this.set(ratioPath, `${name}_ARG`, this.ratio(`${name}_ARG`)) };
    if (sampler === "always_on") return { successRatio: this.set(ratioPath, name, 1) };
    this.ignore(name, "names a sampler that is not supported", "write always_on, always_off or traceidratio");
    return {};
  }

  private ratio(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return 1;
    const value = Number(text);
    return value >= 0 && value <= 1 ? value : this.ignore(name, "is no ratio", "write 0 to 1");
  }

  private batch(signal: Signal, prefix: string): BatchLayer {
    const read = (key: keyof BatchLayer, name: string) =>
      this.set(`telemetry.${signal}.batch.${key}`, `${prefix}${name}`, this.number(`${prefix}${name}`));
    return {
      maxQueueSize: read("maxQueueSize", "MAX_QUEUE_SIZE"),
      maxExportBatchSize: read("maxExportBatchSize", "MAX_EXPORT_BATCH_SIZE"),
      scheduledDelay: read("scheduledDelay", "SCHEDULE_DELAY"),
      exportTimeout: read("exportTimeout", "EXPORT_TIMEOUT"),
    };
  }

  private metrics(): Omit<NonNullable<TelemetryLayer["metrics"]>, keyof SignalLayer> {
    const temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    const read = (key: string, name: string) => this.set(`telemetry.metrics.${key}`, name, this.number(name));
    return {
      interval: read("interval", "OTEL_METRIC_EXPORT_INTERVAL"),
      timeout: read("timeout", "OTEL_METRIC_EXPORT_TIMEOUT"),
      temporality: this.set(
        "telemetry.metrics.temporality",
        temporality,
        this.oneOf(temporality, ["cumulative", "delta", "lowmemory"]),
      ),
    };
  }
}

const ratioPath = "telemetry.traces.successRatio";

function decodePair(pair: string): [string, string] {
  const split = pair.indexOf("=");
  const key = decodeURIComponent(pair.slice(0, Math.max(split, 0)).trim());
  if (key === "") throw new Error("no key");
  return [key, decodeURIComponent(pair.slice(split + 1).trim())];
}
