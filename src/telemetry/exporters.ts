import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import type { PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-node";
import type { Delivery } from "./delivery.js";
import { serializeBy } from "./exporter-inside.js";
import { noAnswer, type OtlpLine } from "./otlp-line.js";
import type { MetricSettings, OtlpSettings } from "./settings.js";
import { SpanEncoder } from "./span-encoder.js";

/** One signal's way out: where to, over which connections, and what was lost. */
export interface Outlet {
  readonly line: OtlpLine;
  readonly delivery: Delivery;
}

export interface SpanOutlet {
  readonly exporter: SpanExporter;
  /** What waits for this exporter in the place of an ended span. */
  readonly waiting: (span: ReadableSpan) => ReadableSpan;
}

export interface MetricOutlet {
  readonly exporter: PushMetricExporter;
  /** Whether `LivePoints` may stand in the place of lists. */
  readonly takesLivePoints: boolean;
}

/** OTLP/HTTP exporters, each loaded only in the protocol asked for; failures are counted and not passed on. */
export async function createSpanExporter(
  otlp: OtlpSettings,
  outlet: Outlet,
  onTaken: (spans: number) => void,
): Promise<SpanOutlet> {
  const { OTLPTraceExporter } =
    otlp.protocol === "http/protobuf"
      ? await import("@opentelemetry/exporter-trace-otlp-proto")
      : await import("@opentelemetry/exporter-trace-otlp-http");
  const exporter = new OTLPTraceExporter(exporterOptions(otlp, outlet.line));
  let waiting: SpanOutlet["waiting"] = (span) => span;
  if (otlp.protocol === "http/protobuf") {
    serializeBy<ReadableSpan[]>(exporter, (stock) => {
      const encoder = new SpanEncoder(stock);
      waiting = (span) => encoder.encoded(span);
      return encoder.request;
    });
  }
  return { exporter: deliver(exporter, outlet, { countOf: (spans) => spans.length, onTaken }), waiting };
}

export async function createLogExporter(
  otlp: OtlpSettings,
  outlet: Outlet,
  onTaken: (records: number) => void,
): Promise<LogRecordExporter> {
  const { OTLPLogExporter } =
    otlp.protocol === "http/protobuf"
      ? await import("@opentelemetry/exporter-logs-otlp-proto")
      : await import("@opentelemetry/exporter-logs-otlp-http");
  const exporter = new OTLPLogExporter(exporterOptions(otlp, outlet.line));
  return deliver(exporter, outlet, { countOf: (records) => records.length, onTaken });
}

/** Gives up before the next collection is due, since the SDK allows a reader no timeout above its interval. */
export async function createMetricExporter(
  { otlp, temporality, timeoutMs, intervalMs }: MetricSettings,
  outlet: Outlet,
): Promise<MetricOutlet> {
  const { AggregationTemporalityPreference } = await import("@opentelemetry/exporter-metrics-otlp-http");
  const { OTLPMetricExporter } =
    otlp.protocol === "http/protobuf"
      ? await import("@opentelemetry/exporter-metrics-otlp-proto")
      : await import("@opentelemetry/exporter-metrics-otlp-http");
  const preference = {
    cumulative: AggregationTemporalityPreference.CUMULATIVE,
    delta: AggregationTemporalityPreference.DELTA,
    lowmemory: AggregationTemporalityPreference.LOWMEMORY,
  }[temporality];
  const exporter = new OTLPMetricExporter({
    ...exporterOptions(otlp, outlet.line),
    timeoutMillis: Math.min(otlp.timeoutMs, timeoutMs, Math.ceil(0.8 * intervalMs)),
    temporalityPreference: preference,
  });
  const { countPoints, encoderOf } = await import("./metric-encoder.js");
  const encoder = otlp.protocol === "http/protobuf" ? encoderOf(exporter) : undefined;
  // In slices, before the exporter asks for it in one piece.
  const prepare = encoder && ((metrics: ResourceMetrics) => encoder.prepare(metrics));
  return {
    takesLivePoints: encoder !== undefined,
    exporter: {
      ...deliver(exporter, outlet, { countOf: countPoints, prepare }),
      selectAggregation: (type) => exporter.selectAggregation(type),
      selectAggregationTemporality: (type) => exporter.selectAggregationTemporality(type),
    },
  };
}

// The types of the exporters' own options name an enum of a package that is not ours to import; its values are these words.
function exporterOptions(otlp: OtlpSettings, { agent }: OtlpLine): object {
  return {
    url: otlp.endpoint,
    headers: { ...otlp.headers },
    timeoutMillis: otlp.timeoutMs,
    compression: otlp.compression,
    httpAgentOptions: () => agent,
  };
}

interface ExportResult {
  readonly code: number;
  readonly error?: Error;
}
interface Exporter<Batch> {
  export(batch: Batch, done: (result: ExportResult) => void): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

const succeeded: ExportResult = { code: 0 };

interface DeliverOptions<Batch> {
  readonly countOf: (batch: Batch) => number;
  readonly onTaken?: (items: number) => void;
  /** What is to be done before the exporter has the batch. */
  readonly prepare?: ((batch: Batch) => Promise<void>) | undefined;
}

/**
 * Counts what fails and calls it a success to the SDK, which would otherwise write a stack trace for every batch while
 * a Collector is away. A batch of nothing is not sent.
 */
function deliver<Batch>(
  exporter: Exporter<Batch>,
  { line, delivery }: Outlet,
  { countOf, onTaken, prepare }: DeliverOptions<Batch>,
): Exporter<Batch> {
  line.hold(exporter, (answer) => delivery.answered(answer));
  return {
    export(batch, done) {
      const items = countOf(batch);
      if (items === 0) return done(succeeded);
      onTaken?.(items);
      delivery.sent(items);
      let isSettled = false;
      const settle = (why?: string): void => {
        if (isSettled) return;
        isSettled = true;
        if (why === undefined) delivery.arrived(items);
        else delivery.failed(items, why);
        done(succeeded);
      };
      const settleBug = (error: unknown): void => settle(delivery.bug(error));
      const send = (): void => {
        // The SDK would take a throw for its own and count nothing; the exporter may have settled before it.
        try {
          if (line.isCut) settle(noAnswer);
          else
            exporter.export(batch, ({ code, error }) => settle(code === succeeded.code ? undefined : reasonOf(error)));
        } catch (error) {
          settleBug(error);
        }
      };
      if (prepare && !line.isCut) prepare(batch).then(send, settleBug);
      else send();
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}

/** Never the answer's body, which is the receiver's own text. */
function reasonOf(error: Error | undefined): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  if (typeof code === "number") return `it answers ${code}`;
  if (typeof code === "string") return code;
  if (message === undefined) return noAnswer;
  return ourWords.find(([start]) => message.startsWith(start))?.[1] ?? message;
}

/** How the SDK begins what it says when it gave up. */
const ourWords: readonly (readonly [string, string])[] = [
  ["Request timed out", noAnswer],
  ["Export failed with retryable status", "it answers that it cannot take them now"],
  ["OTLP export response body exceeded size limit", "its answer is longer than 4 MB"],
];
