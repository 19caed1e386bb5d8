import { metrics, trace } from "@opentelemetry/api";
import { logs } from "@opentelemetry/api-logs";
import { scopeName } from "../semconv.js";
import { createEvents, type Events } from "./events.js";
import { createInstruments } from "./instruments.js";
import { isolatedSink } from "./isolated.js";
import type { RecordSink } from "./record.js";
import type { TracingOptions } from "./run-span.js";
import type { Scrub } from "./scrubber.js";

export interface HostSignals {
  readonly tracing: TracingOptions;
  readonly sink: RecordSink;
  readonly events: () => Events;
}

/** Signals through the OpenTelemetry providers of the process we are a guest in; whatever it has not set up is a no-op. */
export function createHostSignals(scrub: Scrub, successRatio: number): HostSignals {
  const events = createEvents(logs.getLogger(scopeName), scrub);
  return {
    tracing: { tracer: trace.getTracer(scopeName), successRatio, hasPhaseSpans: false, propagates: true, scrub },
    sink: isolatedSink(createInstruments(metrics.getMeter(scopeName))),
    events: () => events,
  };
}
