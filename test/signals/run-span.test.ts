import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CheckFailure, createPolicy } from "../../src/check.js";
import { CheckTracer, type RunEnd, type TracingOptions } from "../../src/signals/run-span.js";
import { createScrubber } from "../../src/signals/scrubber.js";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const kind = { kind: "http", defaults: { intervalMs: 1_000, timeoutMs: 500 } };
const identity = {
  policy: createPolicy("web", kind, { critical: true, labels: { team: "core" } }),
  facts: {},
  hasOpenFacts: false,
};
const well: RunEnd = { outcome: "healthy", status: "healthy", hasStatusChanged: false, facts: {} };
const failed: RunEnd = {
  outcome: "unhealthy",
  status: "unhealthy",
  hasStatusChanged: true,
  facts: {},
  reason: "refused",
  message: "connection refused",
  detail: "connect ECONNREFUSED with hunter2",
};

function tracer(own: Partial<TracingOptions> = {}): CheckTracer {
  return new CheckTracer(identity, {
    tracer: provider.getTracer("test"),
    successRatio: 1,
    hasPhaseSpans: false,
    propagates: true,
    scrub: createScrubber(["hunter2"]),
    ...own,
  });
}

const fail = (message: string): never => {
  throw new Error(message);
};
const spans = () => exporter.getFinishedSpans();
const root = () => {
  const span = spans().find((candidate) => candidate.kind === SpanKind.INTERNAL);
  if (!span) throw new Error("no root span");
  return span;
};

beforeEach(() => exporter.reset());

describe("the trace of a run", () => {
  it("is a root of its own with what the check is and what was found", () => {
    const kept = tracer()
      .begin()
      .finish({ ...well, facts: { status_code: 200, names: ["a", "b"], rows: [{ x: 1 }] } });
    expect(root().name).toBe("health.check web");
    expect(root().parentSpanContext).toBeUndefined();
    expect(root().attributes).toEqual({
      "health.check.name": "web",
      "health.check.kind": "http",
      "health.check.critical": true,
      "health.check.label.team": "core",
      "user_agent.synthetic.type": "test",
      "health.check.outcome": "healthy",
      "health.check.status": "healthy",
      "health.check.state_changed": false,
      "health.fact.status_code": 200,
      "health.fact.names": ["a", "b"],
      "health.fact.rows": '[{"x":1}]',
    });
    expect(root().status.code).toBe(SpanStatusCode.UNSET);
    expect(kept?.traceId).toBe(root().spanContext().traceId);
  });

  it("has status ERROR and `error.type` only when the run is unhealthy", () => {
    tracer().begin().finish(failed);
    expect(root().status).toEqual({ code: SpanStatusCode.ERROR, message: "connection refused" });
    expect(root().attributes["error.type"]).toBe("refused");
    exporter.reset();
    tracer()
      .begin()
      .finish({ ...failed, outcome: "degraded", status: "degraded" });
    expect(root().status.code).toBe(SpanStatusCode.UNSET);
    expect(root().attributes["error.type"]).toBeUndefined();
  });

  it("takes the secrets out of the client's own text", () => {
    tracer().begin().finish(failed);
    expect(root().attributes["health.check.detail"]).toBe("connect ECONNREFUSED with ***");
  });

  it("has each remote call as a CLIENT child, its failure marked", async () => {
    const run = tracer().begin();
    await run.client("GET", { "server.address": "web" }, async (span) =>
      span.set({ "http.response.status_code": 200 }),
    );
    const call = run.client("GET", {}, async () => {
      throw new CheckFailure("timeout", "no answer in time");
    });
    await expect(call).rejects.toThrow(CheckFailure);
    run.finish(well);
    const [first, second] = spans();
    expect(first).toMatchObject({ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } });
    expect(first?.attributes).toEqual({ "server.address": "web", "http.response.status_code": 200 });
    expect(first?.parentSpanContext?.spanId).toBe(root().spanContext().spanId);
    expect(second?.attributes["error.type"]).toBe("timeout");
  });

  it("arrives whole when a call never ends: open children end with the root", () => {
    const run = tracer().begin();
    void run.client("GET", {}, () => new Promise(() => {}));
    run.finish({ ...failed, reason: "timeout" });
    expect(spans()).toHaveLength(2);
    expect(spans()[0]?.attributes["error.type"]).toBe("timeout");
  });

  it("opens nothing after its end", async () => {
    const run = tracer().begin();
    run.finish(well);
    await run.client("GET", {}, async (span) => expect(span.traceparent).toBeUndefined());
    expect(spans()).toHaveLength(1);
  });

  it("opens no phase of a call that its end has ended", async () => {
    const run = tracer({ hasPhaseSpans: true }).begin();
    await run.client("GET", {}, async (span) => {
      run.finish(well);
      span.phase("connect", 10, 12);
    });
    expect(spans()).toHaveLength(2);
  });

  it("takes the secrets out of what a call begins with", async () => {
    await tracer()
      .begin()
      .client("GET", { "url.full": "https://web/?key=hunter2" }, async () => undefined);
    expect(spans()[0]?.attributes).toEqual({ "url.full": "https://web/?key=***" });
  });

  it.each(["onStart", "onEnd"] as const)("does not disturb a run whose span processor throws in %s", async (method) => {
    const warnings: string[] = [];
    const warn = vi.spyOn(process, "emitWarning").mockImplementation((warning) => void warnings.push(String(warning)));
    const quiet = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
    const broken = { ...quiet, [method]: () => fail(`processor broken in ${method}`) };
    const check = tracer({ tracer: new BasicTracerProvider({ spanProcessors: [broken] }).getTracer("test") });
    const run = check.begin();
    expect(await run.client("GET", {}, async () => "answer")).toBe("answer");
    run.finish(well);
    check.begin().finish(well);
    warn.mockRestore();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`processor broken in ${method}`);
  });

  it("hands out a traceparent that is sampled only when the trace is kept for sure", async () => {
    const flags = async (options: Partial<TracingOptions>) => {
      let seen: string | undefined;
      await tracer(options)
        .begin()
        .client("GET", {}, async (span) => {
          seen = span.traceparent;
        });
      return seen?.replace(/^00-[0-9a-f]{32}-[0-9a-f]{16}-/, "");
    };
    expect(await flags({})).toBe("01");
    expect(await flags({ successRatio: 0 })).toBe("00");
    expect(await flags({ propagates: false })).toBeUndefined();
  });

  it("marks what is not kept, and gives out no id of it", () => {
    expect(tracer({ successRatio: 0 }).begin().finish(well)).toBeUndefined();
    expect(root().attributes["health.trace.kept"]).toBe(false);
    exporter.reset();
    expect(tracer({ successRatio: 0 }).begin().finish(failed)).toBeDefined();
    expect(root().attributes["health.trace.kept"]).toBeUndefined();
  });

  it("links a recovering run to the first failing one", () => {
    const check = tracer();
    const first = check.begin().finish(failed);
    check.begin().finish(failed);
    exporter.reset();
    check.begin().finish(well);
    expect(root().links.map((link) => link.context.spanId)).toEqual([first?.spanId]);
    exporter.reset();
    check.begin().finish(well);
    expect(root().links).toEqual([]);
  });

  it("has phases as spans of their own only where they are asked for", async () => {
    const withPhase = (options: Partial<TracingOptions>) =>
      tracer(options)
        .begin()
        .client("GET", {}, async (span) => span.phase("connect", 10, 12));
    await withPhase({});
    expect(spans().map((span) => span.name)).toEqual(["GET"]);
    exporter.reset();
    await withPhase({ hasPhaseSpans: true });
    expect(spans().map((span) => span.name)).toEqual(["connect", "GET"]);
  });
});
