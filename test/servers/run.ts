import {
  type Check,
  CheckFailure,
  type ClientSpan,
  type Outcome,
  type RunTrace,
  type SpanAttributes,
} from "../../src/check.js";

export interface RecordedSpan {
  readonly name: string;
  /** Those given at the start and those set later, undefined ones left out. */
  readonly attributes: Record<string, string | number | boolean>;
  readonly phases: { readonly name: string; readonly startMs: number; readonly endMs: number }[];
  readonly traceparent: string;
  hasEnded: boolean;
  /** What the call threw. */
  error?: unknown;
}

export interface RunOnceOptions {
  /** The deadline; 3 s unless said. */
  readonly timeoutMs?: number;
  /** Ends the run before its deadline, as a shutdown does; its reason must be a `CheckFailure`. */
  readonly signal?: AbortSignal;
}

export interface RunOnceResult {
  /** Set when the run answered. */
  readonly outcome?: Outcome;
  /** Set when the run threw; a thing thrown that is no `CheckFailure` is `internal`, as in the engine. */
  readonly failure?: CheckFailure;
  readonly durationMs: number;
  /** CLIENT spans in the order they were opened. */
  readonly spans: readonly RecordedSpan[];
}

/** After the abort a check has this long to settle; an orphan fails the test instead of hanging it. */
const orphanAfterMs = 2_000;
const orphan = Symbol("orphan");

/** The contract gives a run 100 ms after its deadline; a busy machine may wake the test itself later. */
export const slackMs = 500;

/** Runs a check once as the engine would: a deadline whose reason is a `CheckFailure`, and a trace that keeps its spans. */
export async function runOnce(check: Check, options: RunOnceOptions = {}): Promise<RunOnceResult> {
  const timeoutMs = options.timeoutMs ?? 3_000;
  const spans: RecordedSpan[] = [];
  const controller = new AbortController();
  const abort = () => controller.abort(options.signal?.reason);
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener("abort", abort, { once: true });
  let orphanTimer: NodeJS.Timeout | undefined;
  const orphaned = new Promise<typeof orphan>((resolve) => {
    controller.signal.addEventListener("abort", () => {
      orphanTimer = setTimeout(resolve, orphanAfterMs, orphan);
    });
  });
  const deadline = setTimeout(() => {
    controller.abort(new CheckFailure("timeout", `no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const startMs = performance.now();
  const finish = (rest: Pick<RunOnceResult, "outcome" | "failure">): RunOnceResult => ({
    ...rest,
    durationMs: performance.now() - startMs,
    spans,
  });
  const running = check.run({ signal: controller.signal, timeoutMs, trace: recordingTrace(spans) });
  const settled = running.then(
    (outcome) => finish({ outcome }),
    (error) => finish({ failure: asFailure(error) }),
  );
  try {
    const result = await Promise.race([settled, orphaned]);
    if (result === orphan) throw new Error(`the run has not settled ${orphanAfterMs} ms after its abort`);
    return result;
  } finally {
    clearTimeout(deadline);
    clearTimeout(orphanTimer);
    options.signal?.removeEventListener("abort", abort);
  }
}

function asFailure(error: unknown): CheckFailure {
  if (error instanceof CheckFailure) return error;
  return new CheckFailure("internal", "threw", { cause: error, detail: String(error) });
}

/** A trace that keeps what it is told; its spans carry a valid `traceparent` each. */
export function recordingTrace(spans: RecordedSpan[]): RunTrace {
  return {
    async client(name, attributes, call) {
      const spanId = (spans.length + 1).toString(16).padStart(16, "0");
      const span: RecordedSpan = {
        name,
        attributes: {},
        phases: [],
        traceparent: `00-0af7651916cd43dd8448eb211c80319c-${spanId}-01`,
        hasEnded: false,
      };
      spans.push(span);
      setAttributes(span, attributes);
      try {
        return await call(clientSpan(span));
      } catch (error) {
        span.error = error;
        throw error;
      } finally {
        span.hasEnded = true;
      }
    },
  };
}

function clientSpan(span: RecordedSpan): ClientSpan {
  return {
    traceparent: span.traceparent,
    set: (attributes) => setAttributes(span, attributes),
    phase: (name, startMs, endMs) => span.phases.push({ name, startMs, endMs }),
  };
}

function setAttributes(span: RecordedSpan, attributes: SpanAttributes): void {
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) span.attributes[key] = value;
}
