import { type Tracer, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { cleanText } from "../check.js";
import { scopeName } from "../semconv.js";

/** An ended span, for whoever shows a trace to people. */
export interface RecordedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Epoch milliseconds, fractions included. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly isError: boolean;
  /** Control characters are taken out of texts. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface SpanRecorder {
  readonly tracer: Tracer;
  /** Ended spans so far, in the order of their ends. */
  spans(): readonly RecordedSpan[];
}

/** Keeps spans in memory instead of exporting them: for `healthspan check --explain`. Loads the SDK. */
export async function createSpanRecorder(): Promise<SpanRecorder> {
  const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = await import(
    "@opentelemetry/sdk-trace-node"
  );
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return {
    tracer: provider.getTracer(scopeName),
    spans: () => exporter.getFinishedSpans().map(recordedSpan),
  };
}

/** Records nothing: for runs that nobody asked to see. */
export function createSilentRecorder(): SpanRecorder {
  return { tracer: trace.getTracer(scopeName), spans: () => [] };
}

const errorCode = 2; // SpanStatusCode.ERROR

function recordedSpan(span: ReadableSpan): RecordedSpan {
  const { traceId, spanId } = span.spanContext();
  const attributes = Object.entries(span.attributes).map(([name, value]) => [
    name,
    typeof value === "string" ? cleanText(value) : value,
  ]);
  return {
    name: span.name,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    startMs: toMilliseconds(span.startTime),
    durationMs: toMilliseconds(span.duration),
    isError: span.status.code === errorCode,
    attributes: Object.fromEntries(attributes),
  };
}

const toMilliseconds = ([seconds, nanoseconds]: readonly [number, number]): number =>
  seconds * 1_000 + nanoseconds / 1_000_000;
