import { type Context, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace-node";
import { attr } from "../semconv.js";

/** Spans of one run that may wait for its root. A run has about ten. */
const maxSpansPerTrace = 512;

/** What is known of a trace while its root is open, and afterwards of spans that are late. */
interface OpenTrace {
  readonly waiting: ReadableSpan[];
  fate: "open" | "kept" | "dropped";
}

/**
 * The trace that a span belongs to: on the span, not in a map by id. Of a map that entries come to and go from all the
 * time V8 keeps the garbage alive, each outgrown table leading to the next: that was 1 KB a run (Node 20).
 */
const openTrace = Symbol("open trace");
type Traced = { [openTrace]?: OpenTrace | undefined };

/**
 * Holds the spans of a trace back until its root has ended, then forwards all of them or none: whether a run was worth
 * keeping is known at its end, and the root carries the verdict (`health.trace.kept`). Bounded by the number of open
 * roots, of which there is at most one per check.
 *
 * All spans of a routine run say so, which is why the filter is there even where every run is kept: a Collector can
 * then drop a share of such runs span by span. It has not to hold traces in memory until they are complete, which
 * is what it loses when it is killed.
 */
export class SpanFilter implements SpanProcessor {
  constructor(
    private readonly next: SpanProcessor,
    private readonly onOverflow: (spans: number) => void,
  ) {}

  onStart(span: Span & Traced, parent: Context): void {
    span[openTrace] = isRoot(span)
      ? { waiting: [], fate: "open" }
      : (trace.getSpan(parent) as Traced | undefined)?.[openTrace];
    this.next.onStart(span, parent);
  }

  /** A span whose parent is not one of ours goes its own way. */
  onEnd(span: ReadableSpan & Traced): void {
    const found = span[openTrace];
    if (found === undefined) this.next.onEnd(span);
    else if (isRoot(span)) this.decide(span, found);
    else if (found.fate === "kept") this.next.onEnd(span);
    else if (found.fate === "open") this.hold(span, found);
  }

  forceFlush(): Promise<void> {
    return this.next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.next.shutdown();
  }

  private hold(span: ReadableSpan, { waiting }: OpenTrace): void {
    if (waiting.length < maxSpansPerTrace) waiting.push(span);
    else this.onOverflow(1);
  }

  private decide(root: ReadableSpan, found: OpenTrace): void {
    const isKept = root.attributes[attr.traceKept] !== false;
    found.fate = isKept ? "kept" : "dropped";
    const spans = [...found.waiting.splice(0), root];
    if (!isKept) return;
    const isRoutine = isRoutineRun(root);
    for (const span of spans) {
      if (isRoutine) span.attributes[attr.traceRoutine] = true;
      this.next.onEnd(span);
    }
  }
}

/** Neither failed nor changed a state; only runs say whether they changed one. */
function isRoutineRun({ status, attributes }: ReadableSpan): boolean {
  return status.code !== SpanStatusCode.ERROR && attributes[attr.checkStateChanged] === false;
}

/** A trace of ours begins in this process: its root has no parent, or a remote one. */
function isRoot({ parentSpanContext }: Pick<ReadableSpan, "parentSpanContext">): boolean {
  return parentSpanContext === undefined || parentSpanContext.isRemote === true;
}
