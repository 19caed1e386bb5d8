import { metrics, type Tracer, trace } from "@opentelemetry/api";
import { type Logger, logs } from "@opentelemetry/api-logs";
import { scopeName } from "../semconv.js";
import { createEvents, type Events } from "./events.js";
import { createInstruments, type Instruments } from "./instruments.js";
import { isolated, isolatedSink } from "./isolated.js";
import { LateSink } from "./late-sink.js";
import { createProbeInstruments, type ProbeInstruments } from "./probe-instruments.js";
import type { RecordSink } from "./record.js";
import type { TracingOptions } from "./run-span.js";
import type { Scrub } from "./scrubber.js";

export interface HostSignals {
  readonly tracing: TracingOptions;
  readonly sink: RecordSink;
  readonly events: () => Events;
  /** Counts what the probes answer once there is a meter. */
  readonly probes: ProbeInstruments;
  /** Takes the meter that the host has set up by now, once. */
  connect(): void;
  /** Leaves the host's meter, which would otherwise keep and ask us as long as the process lives. */
  disconnect(): void;
}

/**
 * Signals through the OpenTelemetry providers of the process we are a guest in; whatever it has not set up is a no-op.
 * None is taken before it is needed: the API's own stand-ins learn of a provider that is registered later only where host
 * and library share one copy of the API, which they do not once the host has a newer one. A meter has no stand-in at all.
 */
export function createHostSignals(scrub: Scrub, successRatio: number): HostSignals {
  const sink = new LateSink();
  const events = createEvents(hostLogger, scrub);
  let instruments: Instruments | undefined;
  let probes: ProbeInstruments | undefined;
  return {
    tracing: { tracer: hostTracer, successRatio, hasPhaseSpans: false, propagates: true, scrub },
    sink,
    events: () => events,
    probes: { probe: (...told) => isolated(() => probes?.probe(...told)) },
    connect() {
      if (instruments) return;
      isolated(() => {
        const meter = metrics.getMeter(scopeName);
        probes = createProbeInstruments(meter);
        instruments = createInstruments(meter);
      });
      if (instruments) sink.connect(isolatedSink(instruments));
    },
    disconnect: () => isolated(() => instruments?.close()),
  };
}

const hostTracer: Pick<Tracer, "startSpan"> = {
  startSpan: (...span) => trace.getTracer(scopeName).startSpan(...span),
};

/** Where @opentelemetry/api keeps what is registered (its `internal/global-utils`), the same for every 1.x. */
const apiKey = Symbol.for("opentelemetry.js.api.1");

/** From 1.10 on the API has the logs of its own; before, they are those of `@opentelemetry/api-logs`. */
const hostLogger: Pick<Logger, "emit"> = {
  emit(record) {
    const registered = (globalThis as { readonly [apiKey]?: { readonly logs?: typeof logs } })[apiKey];
    (registered?.logs ?? logs).getLogger(scopeName).emit(record);
  },
};
