import { type Meter, ProxyTracerProvider, type Tracer } from "@opentelemetry/api";
import { createNoopLogger, type Logger } from "@opentelemetry/api-logs";
import type { Resource } from "@opentelemetry/resources";
import type { IMetricReader } from "@opentelemetry/sdk-metrics";
import { scopeName } from "../semconv.js";
import { createDropCounter, type Signal } from "../signals/agent-instruments.js";
import type { CheckCounts } from "../signals/counts.js";
import { boundLogRecords, boundSpans, QueueBound } from "./bounded-queue.js";
import { Delivery, type OnDiagnostic } from "./delivery.js";
import { listenToSdk } from "./diagnostics.js";
import { createLogExporter, createMetricExporter, createSpanExporter, type Outlet } from "./exporters.js";
import type { MetricsText } from "./metrics-text.js";
import { hasPlainValues } from "./otlp-fields.js";
import { OtlpLine } from "./otlp-line.js";
import type { LogSettings, MetricSettings, OtlpSettings, TelemetrySettings, TraceSettings } from "./settings.js";
import { SpanFilter } from "./span-filter.js";

export interface TelemetryOptions {
  readonly counts: CheckCounts;
  readonly onDiagnostic: OnDiagnostic;
  /** Version of the instrumentation scope: the agent's own. */
  readonly version?: string;
}

/** The ways out of one agent. Nothing is registered globally. */
export interface Telemetry {
  readonly tracer: Tracer;
  readonly meter: Meter;
  readonly logger: Logger;
  readonly metrics: MetricsText;
  /** Items that were not delivered so far, of each signal that is exported. */
  dropped(): ReadonlyMap<Signal, number>;
  /** Sends what is waiting; resolves after `timeoutMs` at the latest, delivered or not. */
  flush(timeoutMs: number): Promise<void>;
  /** Sends what is waiting, for `timeoutMs` at most, then lets go of every connection and timer. Never rejects. */
  shutdown(timeoutMs: number): Promise<void>;
}

/** Points of one metrics request; of live ones indexes, where there may be none or several: a quarter of a megabyte mostly. */
const maxItemsPerExport = 1_000;
/** Our metrics are bounded by the config; the SDK's own limit would fold them into one series. */
const noCardinalityLimit = 1_000_000;

/** Kept of a shutdown's time for what was cut off to be counted as dropped. */
const settleMs = 50;

/** A provider as shutdown and flush see it. */
interface Provider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Builds the SDK's providers; the SDK and the exporters of the protocols asked for are loaded here and not before. */
export async function startTelemetry(settings: TelemetrySettings, options: TelemetryOptions): Promise<Telemetry> {
  listenToSdk(settings.diagnostics, options.onDiagnostic);
  const resource = await createResource(settings.resource);
  const outlets: Outlet[] = [];
  const openOutlet = (signal: Signal, otlp: OtlpSettings): Outlet => {
    const outlet = { line: new OtlpLine(otlp), delivery: new Delivery(signal, otlp.endpoint, options.onDiagnostic) };
    outlets.push(outlet);
    return outlet;
  };
  const [traces, logs, metrics] = await Promise.all([
    settings.traces && startTraces(settings.traces, resource, openOutlet("traces", settings.traces.otlp)),
    settings.logs && startLogs(settings.logs, resource, openOutlet("logs", settings.logs.otlp)),
    startMetrics(settings.metrics, resource, options, openOutlet),
  ]);
  const dropped = (): ReadonlyMap<Signal, number> =>
    new Map(outlets.map(({ delivery }) => [delivery.signal, delivery.dropped]));
  const meter = metrics.provider.getMeter(scopeName, options.version);
  if (outlets.length > 0) createDropCounter(meter, dropped);
  const providers: Provider[] = [...(traces ? [traces] : []), ...(logs ? [logs] : []), metrics.provider];
  return {
    tracer: traces?.getTracer(scopeName, options.version) ?? noTracer(),
    meter,
    logger: logs?.getLogger(scopeName, options.version) ?? createNoopLogger(),
    metrics: metrics.text,
    dropped,
    ...endings(providers, outlets),
  };
}

function endings(providers: readonly Provider[], outlets: readonly Outlet[]): Pick<Telemetry, "flush" | "shutdown"> {
  const flush = (timeoutMs: number) =>
    within(
      timeoutMs,
      providers.map((provider) => provider.forceFlush()),
    );
  const end = async (timeoutMs: number): Promise<void> => {
    for (const { delivery } of outlets) delivery.close();
    const work = providers.map((provider) => provider.shutdown());
    await within(timeoutMs - settleMs, work);
    for (const { line } of outlets) line.cut();
    await within(settleMs, work);
    for (const { delivery } of outlets) delivery.conclude();
  };
  let ending: Promise<void> | undefined;
  const shutdown = (timeoutMs: number): Promise<void> => {
    ending ??= end(timeoutMs);
    return ending;
  };
  return { flush, shutdown };
}

async function createResource(attributes: TelemetrySettings["resource"]): Promise<Resource> {
  const { defaultResource, resourceFromAttributes } = await import("@opentelemetry/resources");
  return defaultResource().merge(resourceFromAttributes(attributes));
}

async function startTraces(settings: TraceSettings, resource: Resource, outlet: Outlet) {
  const { AlwaysOnSampler, BatchSpanProcessor, NodeTracerProvider } = await import("@opentelemetry/sdk-trace-node");
  const bound = new QueueBound(settings.batch.maxQueueSize, outlet.delivery);
  const { exporter, waiting } = await createSpanExporter(batchOtlp(settings), outlet, bound.taken);
  const batches = new BatchSpanProcessor(exporter, batchOptions(settings));
  const filter = new SpanFilter(boundSpans(batches, bound, waiting), (spans) => outlet.delivery.overflowed(spans));
  return new NodeTracerProvider({
    resource,
    // Which traces are kept is decided when their roots end, never by OTEL_TRACES_SAMPLER.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [filter],
  });
}

async function startLogs(settings: LogSettings, resource: Resource, outlet: Outlet) {
  const { BatchLogRecordProcessor, LoggerProvider } = await import("@opentelemetry/sdk-logs");
  const bound = new QueueBound(settings.batch.maxQueueSize, outlet.delivery);
  const exporter = await createLogExporter(batchOtlp(settings), outlet, bound.taken);
  const batches = new BatchLogRecordProcessor({ exporter, ...batchOptions(settings) });
  return new LoggerProvider({ resource, processors: [boundLogRecords(batches, bound)] });
}

type Batched = Pick<TraceSettings, "batch" | "otlp">;

/** The exporter gives up before the processor does, so that a batch is lost in one place and counted there. */
const batchOtlp = ({ otlp, batch }: Batched): OtlpSettings => ({
  ...otlp,
  timeoutMs: Math.min(otlp.timeoutMs, batch.exportTimeoutMs),
});

function batchOptions({ batch }: Batched) {
  return {
    maxQueueSize: batch.maxQueueSize,
    maxExportBatchSize: batch.maxExportBatchSize,
    scheduledDelayMillis: batch.scheduledDelayMs,
    exportTimeoutMillis: batch.exportTimeoutMs + 1_000,
  };
}

async function startMetrics(
  settings: MetricSettings | undefined,
  resource: Resource,
  { counts, onDiagnostic, version }: TelemetryOptions,
  openOutlet: (signal: Signal, otlp: OtlpSettings) => Outlet,
) {
  const { MeterProvider, PeriodicExportingMetricReader } = await import("@opentelemetry/sdk-metrics");
  const { PrometheusExporter } = await import("@opentelemetry/exporter-prometheus");
  const { createLiveProducer } = await import("./live-points.js");
  const { createMetricProducer } = await import("./metric-producer.js");
  const { createMetricsText } = await import("./metrics-text.js");
  // Only for the SDK's instruments: what a scrape says of the checks is read where it is counted.
  const pull = new PrometheusExporter({ preventServerStart: true });
  pull.selectCardinalityLimit = () => noCardinalityLimit;
  const readers: IMetricReader[] = [pull];
  if (settings) {
    const { exporter, takesLivePoints } = await createMetricExporter(settings, openOutlet("metrics", settings.otlp));
    const isDelta = settings.temporality !== "cumulative";
    // Of a resource that is not ours to encode, requests are written by the stock serializer, which knows lists.
    const producer =
      takesLivePoints && !isDelta && hasPlainValues(resource.attributes)
        ? createLiveProducer(counts, version)
        : createMetricProducer(counts, { isDelta, version });
    readers.push(
      new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: settings.intervalMs,
        // The exporter gives up first; see there.
        exportTimeoutMillis: settings.intervalMs,
        maxExportBatchSize: maxItemsPerExport,
        cardinalityLimits: { default: noCardinalityLimit },
        metricProducers: [producer],
      }),
    );
  }
  return {
    provider: new MeterProvider({ resource, readers }),
    text: createMetricsText({ reader: pull, counts, onDiagnostic }),
  };
}

/** Waits for all to settle, however they do, and for no longer than said. */
async function within(timeoutMs: number, work: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.allSettled(work), deadline]);
  clearTimeout(timer);
}

/** A provider without delegate gives tracers whose spans record nothing. */
const noTracer = (): Tracer => new ProxyTracerProvider().getTracer(scopeName);
