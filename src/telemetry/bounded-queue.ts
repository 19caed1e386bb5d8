import type { Context } from "@opentelemetry/api";
import type { LogRecordProcessor } from "@opentelemetry/sdk-logs";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-node";
import type { Delivery } from "./delivery.js";

/**
 * How many items wait in a batch processor. The SDK's processors drop silently when full; counted here first, nothing
 * is lost without being counted.
 */
export class QueueBound {
  private waiting = 0;

  constructor(
    private readonly maxQueueSize: number,
    private readonly delivery: Delivery,
  ) {}

  /** False when the queue is full; the item is counted as dropped. */
  admits(): boolean {
    if (this.waiting >= this.maxQueueSize) {
      this.delivery.overflowed(1);
      return false;
    }
    this.waiting += 1;
    return true;
  }

  /** An item that was admitted cannot be written: its place is free again, and it is counted as dropped. */
  unwritable(error: unknown): void {
    this.waiting -= 1;
    this.delivery.neverLeft(1, this.delivery.bug(error));
  }

  /** The exporter took a batch off the queue. */
  readonly taken = (items: number): void => {
    this.waiting -= items;
  };
}

/** `waiting` makes of an ended span what takes its place in the queue; what it throws, a bug, costs that span. */
export function boundSpans(
  processor: SpanProcessor,
  bound: QueueBound,
  waiting = (span: ReadableSpan): ReadableSpan => span,
): SpanProcessor {
  return {
    onStart: (span, parent) => processor.onStart(span, parent),
    onEnd: (span) => {
      if (!bound.admits()) return;
      let item: ReadableSpan;
      try {
        item = waiting(span);
      } catch (error) {
        return bound.unwritable(error);
      }
      processor.onEnd(item);
    },
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

export function boundLogRecords(processor: LogRecordProcessor, bound: QueueBound): LogRecordProcessor {
  return {
    onEmit: (record, context?: Context) => {
      if (bound.admits()) processor.onEmit(record, context);
    },
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}
