import {
  type Attributes,
  type AttributeValue,
  type Context,
  context,
  createContextKey,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import {
  CheckFailure,
  type ClientSpan,
  type Facts,
  type FactValue,
  type Reason,
  type RunTrace,
  type SpanAttributes,
  type Status,
  type Verdict,
} from "../check.js";
import { attr, rootSpanName } from "../semconv.js";
import { isolated } from "./isolated.js";
import type { CheckIdentity } from "./record.js";
import { isInShare, keepsTrace } from "./sampling.js";
import type { Scrub } from "./scrubber.js";

export interface TracingOptions {
  readonly tracer: Pick<Tracer, "startSpan">;
  /** Share of the uneventful runs whose traces are kept. In a library the host's own sampler decides before it. */
  readonly successRatio: number;
  /** `dns`, `connect`, `tls` and `ttfb` as spans of their own. */
  readonly hasPhaseSpans: boolean;
  /** Whether targets are told of the trace (`traceparent`). */
  readonly propagates: boolean;
  readonly scrub: Scrub;
}

/** What the engine found, for the root span. */
export interface RunEnd {
  readonly outcome: Verdict;
  readonly status: Status;
  readonly hasStatusChanged: boolean;
  readonly facts: Facts;
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly detail?: string | undefined;
}

export interface KeptTrace {
  readonly traceId: string;
  readonly spanId: string;
}

/** One run's trace while it is open. */
export interface RunSpan extends RunTrace {
  /** Runs `work` with the root span as the active one, so that spans of injected clients become its children. */
  within<Result>(work: () => Result): Result;
  /** Ends the root and whatever is still open below it; undefined when the trace was not kept. */
  finish(end: RunEnd): KeptTrace | undefined;
}

// Known to every OpenTelemetry SDK for JavaScript (core's suppressTracing); by name, because only the API may be loaded here.
const suppressTracingKey = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
/** What clients of a check must not add to: its own spans say what is worth saying. Built once, a context being a copied map. */
const suppressed = ROOT_CONTEXT.setValue(suppressTracingKey, true);
const maxRowsTextLength = 1024;

/** Opens the trace of each run of one check. Names and attributes that do not change are built once. */
export class CheckTracer {
  private readonly name: string;
  private readonly attributes: Attributes;
  private firstFailing: Link | undefined;

  constructor(
    { policy }: CheckIdentity,
    private readonly options: TracingOptions,
  ) {
    this.name = rootSpanName(policy.name);
    this.attributes = {
      [attr.checkName]: policy.name,
      [attr.checkKind]: policy.kind,
      [attr.checkCritical]: policy.critical,
      [attr.syntheticType]: "test",
      ...Object.fromEntries(Object.entries(policy.labels).map(([key, value]) => [attr.checkLabelPrefix + key, value])),
    };
  }

  begin(): RunSpan {
    const options = { kind: SpanKind.INTERNAL, root: true, attributes: this.attributes };
    const recorded = isolated(() => {
      const root = this.options.tracer.startSpan(this.name, options, ROOT_CONTEXT);
      return root.isRecording() ? new RecordedRun(root, this, this.options) : undefined;
    });
    return recorded ?? unrecordedRun;
  }

  /** The first failing run of a row, for the run that ends the row to link to. */
  linkFor(outcome: Verdict, kept: Link | undefined): Link | undefined {
    const first = this.firstFailing;
    if (outcome === "unhealthy") this.firstFailing = first ?? kept;
    else this.firstFailing = undefined;
    return outcome === "unhealthy" ? undefined : first;
  }
}

class RecordedRun implements RunSpan {
  private readonly rootContext: Context;
  private open: Span[] = [];
  private hasFinished = false;

  constructor(
    private readonly root: Span,
    private readonly check: CheckTracer,
    private readonly options: TracingOptions,
  ) {
    this.rootContext = trace.setSpan(ROOT_CONTEXT, root);
  }

  within<Result>(work: () => Result): Result {
    return context.with(this.rootContext, work);
  }

  async client<Result>(
    name: string,
    attributes: SpanAttributes,
    call: (span: ClientSpan) => Promise<Result>,
  ): Promise<Result> {
    const span = this.hasFinished ? undefined : this.startClient(name, attributes);
    if (span === undefined) return call(unrecordedClientSpan);
    this.open.push(span);
    const client = new RecordedClientSpan(span, this.options);
    try {
      const result = await context.with(trace.setSpan(suppressed, span), () => call(client));
      this.close(span);
      return result;
    } catch (error) {
      this.close(span, error);
      throw error;
    }
  }

  finish(end: RunEnd): KeptTrace | undefined {
    this.hasFinished = true;
    return isolated(() => this.conclude(end));
  }

  private startClient(name: string, attributes: SpanAttributes): Span | undefined {
    const options = { kind: SpanKind.CLIENT, attributes: scrubbed(attributes, this.options.scrub) };
    return isolated(() => this.options.tracer.startSpan(name, options, this.rootContext));
  }

  private conclude(end: RunEnd): KeptTrace | undefined {
    for (const span of this.open.splice(0)) endFailed(span, end.reason ?? "timeout", end.message);
    const { traceId, spanId, traceFlags } = this.root.spanContext();
    const isKept =
      (traceFlags & TraceFlags.SAMPLED) !== 0 &&
      keepsTrace({ traceId, outcome: end.outcome, hasStatusChanged: end.hasStatusChanged }, this.options.successRatio);
    const link = this.check.linkFor(end.outcome, isKept ? { context: this.root.spanContext() } : undefined);
    if (link) this.root.addLink(link);
    this.describe(end, isKept);
    this.root.end();
    return isKept ? { traceId, spanId } : undefined;
  }

  private describe(end: RunEnd, isKept: boolean): void {
    const { root } = this;
    root.setAttribute(attr.checkOutcome, end.outcome);
    root.setAttribute(attr.checkStatus, end.status);
    root.setAttribute(attr.checkStateChanged, end.hasStatusChanged);
    for (const name in end.facts) {
      const value = attributeValue(end.facts[name]);
      if (value !== undefined) root.setAttribute(factAttribute(name), value);
    }
    if (!isKept) root.setAttribute(attr.traceKept, false);
    if (end.message !== undefined) root.setAttribute(attr.checkMessage, this.options.scrub(end.message));
    if (end.detail !== undefined) root.setAttribute(attr.checkDetail, this.options.scrub(end.detail));
    if (end.outcome !== "unhealthy") return;
    root.setAttribute(attr.errorType, end.reason ?? "internal");
    root.setStatus({ code: SpanStatusCode.ERROR, message: this.options.scrub(end.message ?? "") });
  }

  private close(span: Span, error?: unknown): void {
    const index = this.open.indexOf(span);
    if (index < 0) return;
    this.open.splice(index, 1);
    isolated(() => {
      if (error === undefined) span.end();
      else if (error instanceof CheckFailure) endFailed(span, error.reason, this.options.scrub(error.message));
      else endFailed(span, "internal", undefined);
    });
  }
}

class RecordedClientSpan implements ClientSpan {
  constructor(
    private readonly span: Span,
    private readonly options: TracingOptions,
  ) {}

  /** Sampled only when this trace is kept for sure: whether a run fails is known at its end. */
  get traceparent(): string | undefined {
    if (!this.options.propagates) return undefined;
    const { traceId, spanId, traceFlags } = this.span.spanContext();
    const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0 && isInShare(traceId, this.options.successRatio);
    return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  }

  set(attributes: SpanAttributes): void {
    if (this.span.isRecording()) this.span.setAttributes(scrubbed(attributes, this.options.scrub));
  }

  phase(name: string, startMs: number, endMs: number): void {
    if (!this.options.hasPhaseSpans || !this.span.isRecording()) return;
    // Not `performance.timeOrigin`: the wall clock may have been stepped since, and the call's own span follows it.
    const originMs = Date.now() - performance.now();
    const startTime = originMs + startMs;
    const parent = trace.setSpan(ROOT_CONTEXT, this.span);
    isolated(() => this.options.tracer.startSpan(name, { startTime }, parent).end(originMs + endMs));
  }
}

const unrecordedClientSpan: ClientSpan = Object.freeze({ traceparent: undefined, set() {}, phase() {} });
const unrecordedRun: RunSpan = {
  within: (work) => work(),
  client: (_name, _attributes, call) => call(unrecordedClientSpan),
  finish: () => undefined,
};

/** Names of facts that are remembered: a kind has a few, a check of a user's may make them up. */
const maxFactNames = 1_000;
const factAttributes = new Map<string, string>();

/** The same text each time: V8 would look a newly joined one up among all names of the program. */
function factAttribute(name: string): string {
  const known = factAttributes.get(name);
  if (known !== undefined) return known;
  const joined = attr.factPrefix + name;
  if (factAttributes.size < maxFactNames) factAttributes.set(name, joined);
  return joined;
}

function endFailed(span: Span, reason: Reason, message: string | undefined): void {
  span.setAttribute(attr.errorType, reason);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
  span.end();
}

function scrubbed(attributes: SpanAttributes, scrub: Scrub): Attributes {
  const safe: Attributes = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) safe[name] = typeof value === "string" ? scrub(value) : value;
  }
  return safe;
}

/** Scalars and lists of text as they are; rows as JSON text, cut. */
function attributeValue(value: FactValue | undefined): AttributeValue | undefined {
  if (!Array.isArray(value)) return value as string | number | boolean | undefined;
  if (value.every((item): item is string => typeof item === "string")) return value;
  return JSON.stringify(value).slice(0, maxRowsTextLength);
}
