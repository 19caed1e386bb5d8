import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Verdict } from "../../src/check.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { createEvents } from "../../src/signals/events.js";
import { CheckTracer, type KeptTrace } from "../../src/signals/run-span.js";
import type { Diagnostic } from "../../src/telemetry/delivery.js";
import { countPoints } from "../../src/telemetry/metric-encoder.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { startTelemetry, type Telemetry } from "../../src/telemetry/providers.js";
import type { TelemetrySettings } from "../../src/telemetry/settings.js";
import { requireServer } from "../servers/available.js";
import { type Certificates, createCertificates } from "../servers/certificates.js";
import { freePort } from "../servers/free-port.js";
import { type OtlpSink, type ReceivedSpan, type SinkMode, startOtlpSink } from "../servers/otlp-sink.js";
import { identity, record } from "../signals/records.js";
import { type OtlpOptions, otlpTo } from "./telemetry-settings.js";

/** The SDK starts each span's clock at a whole millisecond. */
const clockNanos = 2e6;

const check = identity("database", { kind: "postgres", policy: { critical: true, owner: "payments" } });

interface Started {
  readonly telemetry: Telemetry;
  readonly counts: CheckCounts;
  readonly said: readonly Diagnostic[];
  /** One run with one client span below its root; what the record says of its trace. */
  run(outcome: Verdict): Promise<KeptTrace | undefined>;
}

const started: Started[] = [];

async function start(settings: TelemetrySettings): Promise<Started> {
  const counts = new CheckCounts();
  const said: Diagnostic[] = [];
  const telemetry = await startTelemetry(settings, {
    counts,
    onDiagnostic: (diagnostic) => said.push(diagnostic),
    version: "0.1.0",
  });
  counts.checkAdded(check, "healthy");
  const tracer = new CheckTracer(check, {
    tracer: telemetry.tracer,
    successRatio: settings.traces?.successRatio ?? 1,
    hasPhaseSpans: false,
    propagates: true,
    scrub: (text) => text,
  });
  const run = async (outcome: Verdict): Promise<KeptTrace | undefined> => {
    const span = tracer.begin();
    await span.client("SELECT", { "db.system.name": "postgresql" }, async (client) => {
      client.set({ "db.namespace": "shop" });
    });
    const failure = outcome === "unhealthy" ? ({ reason: "refused", message: "connection refused" } as const) : {};
    const kept = span.finish({
      outcome,
      status: "healthy",
      hasStatusChanged: false,
      facts: { connections: 3 },
      ...failure,
    });
    counts.run(
      record(check, {
        outcome,
        previousStatus: "healthy",
        status: "healthy",
        atMs: Date.now(),
        durationMs: 42,
        ...failure,
        ...kept,
      }),
    );
    return kept;
  };
  const result = { telemetry, counts, said, run };
  started.push(result);
  return result;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map(({ telemetry }) => telemetry.shutdown(100)));
});

function byTrace(spans: readonly ReceivedSpan[]): ReadonlyMap<string, readonly ReceivedSpan[]> {
  const traces = new Map<string, ReceivedSpan[]>();
  for (const span of spans) traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span]);
  return traces;
}

describe.each(["http/json", "http/protobuf"] as const)("OTLP by %s", (protocol) => {
  let sink: OtlpSink;
  beforeEach(async () => {
    sink = await startOtlpSink();
  });
  afterEach(() => sink.close());

  it("brings each run as one whole, correctly parented trace", async () => {
    const { telemetry, run } = await start(otlpTo(sink.endpoint, { protocol }));
    for (const outcome of ["healthy", "degraded", "unhealthy"] as const) await run(outcome);
    await telemetry.flush(5_000);
    const traces = byTrace(sink.spans);
    expect(traces.size).toBe(3);
    for (const spans of traces.values()) {
      const [root, child] = [...spans].sort((a, b) => a.parentSpanId.length - b.parentSpanId.length);
      expect(spans).toHaveLength(2);
      expect(root).toMatchObject({ name: "health.check database", kind: 1, parentSpanId: "" });
      expect(child).toMatchObject({ name: "SELECT", kind: 3, parentSpanId: root?.spanId });
      expect(child?.attributes).toMatchObject({ "db.system.name": "postgresql", "db.namespace": "shop" });
      expect(root?.attributes).toMatchObject({ "health.check.name": "database", "health.fact.connections": 3 });
      expect(root?.resource).toMatchObject({ "service.name": "checkout", "telemetry.sdk.language": "nodejs" });
      expect(root?.scope).toEqual({ name: "healthspan", version: "0.1.0" });
      expect(Number((child?.startNanos ?? 0n) - (root?.startNanos ?? 0n))).toBeGreaterThan(-clockNanos);
      expect(Number((root?.endNanos ?? 0n) - (child?.endNanos ?? 0n))).toBeGreaterThan(-clockNanos);
    }
    const failed = sink.spans.filter((span) => span.status.code === 2);
    expect(failed.map(({ attributes }) => attributes["error.type"])).toEqual(["refused"]);
    expect(new Set(sink.requests.map(({ contentType }) => contentType))).toEqual(
      new Set([protocol === "http/json" ? "application/json" : "application/x-protobuf"]),
    );
  });

  it("brings the same metric points as /metrics shows", async () => {
    const { telemetry, run } = await start(otlpTo(sink.endpoint, { protocol }));
    await run("healthy");
    await run("unhealthy");
    await telemetry.flush(5_000);
    const duration = sink.points.filter(
      ({ metric, attributes }) => metric === "health.check.duration" && !attributes["error.type"],
    );
    expect(duration.at(-1)).toMatchObject({
      type: "histogram",
      unit: "s",
      isDelta: false,
      attributes: { "health.check.name": "database", "health.check.kind": "postgres" },
      histogram: { count: 1, sum: 0.042 },
    });
    expect(duration.at(-1)?.histogram?.bounds).toHaveLength(15);
    expect(duration.at(-1)?.histogram?.counts.indexOf(1)).toBe(5);
    const states = sink.points.filter(({ metric }) => metric === "health.check.status").slice(-4);
    expect(states.map(({ attributes, value }) => [attributes["health.check.state"], value])).toEqual([
      ["healthy", 1],
      ["degraded", 0],
      ["unhealthy", 0],
      ["unknown", 0],
    ]);
    const failedRuns = sink.points.filter(
      ({ attributes }) => attributes["error.type"] === "refused" && attributes["health.check.outcome"],
    );
    expect(failedRuns.at(-1)).toMatchObject({ metric: "health.check.runs", type: "sum", value: 1 });
  });

  it("brings an event with the trace of its run", async () => {
    const { telemetry, run } = await start(otlpTo(sink.endpoint, { protocol }));
    const kept = await run("unhealthy");
    createEvents(telemetry.logger, (text) => text).checkChanged({
      check,
      from: "healthy",
      to: "unhealthy",
      reason: "refused",
      atMs: 1_700_000_000_123,
      ...kept,
    });
    await telemetry.flush(5_000);
    expect(sink.logs).toMatchObject([
      {
        eventName: "health.check.state_change",
        severityNumber: 17,
        attributes: {
          "health.check.state": "unhealthy",
          "health.check.previous_state": "healthy",
          "error.type": "refused",
        },
        traceId: kept?.traceId,
        spanId: kept?.spanId,
        timeNanos: 1_700_000_000_123_000_000n,
      },
    ]);
  });

  it("keeps failing runs whole and drops the healthy ones that are out of the share", async () => {
    const { telemetry, run } = await start(otlpTo(sink.endpoint, { protocol, successRatio: 0 }));
    const kept: (KeptTrace | undefined)[] = [];
    for (let index = 0; index < 30; index += 1) kept.push(await run(index % 10 === 0 ? "unhealthy" : "healthy"));
    await telemetry.flush(5_000);
    const traces = byTrace(sink.spans);
    expect(new Set(traces.keys())).toEqual(new Set(kept.flatMap((trace) => trace?.traceId ?? [])));
    expect([...traces.values()].map((spans) => spans.length)).toEqual([2, 2, 2]);
    expect(telemetry.dropped().get("traces")).toBe(0);
  });

  it("sends headers and compresses when asked to", async () => {
    const headers = { authorization: "Bearer t0ken", "x-scope-orgid": "7" };
    const { telemetry, run } = await start(otlpTo(sink.endpoint, { protocol, headers, compression: "gzip" }));
    await run("healthy");
    await telemetry.flush(5_000);
    expect(sink.spans).toHaveLength(2);
    for (const request of sink.requests)
      expect(request.headers).toMatchObject({ ...headers, "content-encoding": "gzip" });
  });
});

describe("OTLP metrics", () => {
  let sink: OtlpSink;
  beforeEach(async () => {
    sink = await startOtlpSink();
  });
  afterEach(() => sink.close());

  it("leave a removed check out from the next export on", async () => {
    const { counts, telemetry } = await start(otlpTo(sink.endpoint));
    const gone = identity("gone");
    counts.checkAdded(gone, "healthy");
    await telemetry.flush(5_000);
    const shown = (): boolean => sink.points.some(({ attributes }) => attributes["health.check.name"] === "gone");
    expect(shown()).toBe(true);
    counts.checkRemoved(gone);
    await telemetry.flush(5_000);
    sink.clear();
    await telemetry.flush(5_000);
    expect(sink.points.length).toBeGreaterThan(0);
    expect(shown()).toBe(false);
  });

  it.each(["delta", "lowmemory"] as const)("count each run once with %s temporality", async (temporality) => {
    const { telemetry, run } = await start(otlpTo(sink.endpoint, { temporality, intervalMs: 60_000 }));
    const sum = (): number =>
      sink.points
        .filter(
          ({ metric, attributes }) =>
            metric === "health.check.runs" && attributes["health.check.outcome"] === "healthy",
        )
        .reduce((total, { value = 0, isDelta }) => total + (isDelta ? value : Number.NaN), 0);
    await run("healthy");
    await run("healthy");
    await telemetry.flush(5_000);
    expect(sum()).toBe(2);
    await run("healthy");
    await telemetry.flush(5_000);
    expect(sum()).toBe(3);
  });

  it("come in requests small enough not to hold the event loop", async () => {
    const { counts, telemetry } = await start(otlpTo(sink.endpoint, { intervalMs: 60_000 }));
    for (let index = 0; index < 500; index += 1) counts.checkAdded(identity(`check-${index}`), "healthy");
    await telemetry.flush(5_000);
    const requests = sink.requests.filter(({ signal }) => signal === "metrics");
    expect(requests.length).toBeGreaterThan(2);
    const names = sink.points
      .filter(({ metric }) => metric === "health.check.info")
      .map((point) => point.attributes["health.check.name"]);
    expect(new Set(names).size).toBe(501);
  });
});

describe("a Collector that is away", () => {
  const unreachable: readonly (readonly [string, SinkMode | "refused"])[] = [
    ["refuses connections", "refused"],
    ["answers 401", { status: 401 }],
    ["answers 503", { status: 503 }],
    ["answers 503 and asks for a minute", { status: 503, headers: { "retry-after": "60" } }],
    ["never answers", "hang"],
  ];
  let sink: OtlpSink | undefined;
  afterEach(() => sink?.close());

  async function endpointOf(mode: SinkMode | "refused"): Promise<string> {
    if (mode === "refused") return `http://127.0.0.1:${await freePort()}`;
    sink = await startOtlpSink();
    sink.answer(mode);
    return sink.endpoint;
  }

  it.each(unreachable)("that %s: memory is bounded, each drop is counted, and it is said once", async (_, mode) => {
    const maxQueueSize = 64;
    const { telemetry, run, said } = await start(
      otlpTo(await endpointOf(mode), { maxQueueSize, timeoutMs: 300, intervalMs: 300 }),
    );
    const runs = 500;
    for (let index = 0; index < runs; index += 1) await run("healthy");
    // Waiting in the queue, and in the one batch that is under way.
    expect(telemetry.dropped().get("traces")).toBeGreaterThanOrEqual(2 * runs - 2 * maxQueueSize);
    await telemetry.shutdown(2_000);
    expect(telemetry.dropped().get("traces")).toBe(2 * runs);
    expect(telemetry.dropped().get("metrics")).toBeGreaterThan(0);
    const warnings = said.filter(({ level }) => level === "warn" || level === "error").map(({ message }) => message);
    expect(warnings.filter((message) => message.startsWith("traces do not arrive"))).toHaveLength(1);
    expect(warnings.filter((message) => !/^(traces|metrics|logs) (do|did) not arrive/.test(message))).toEqual([]);
    expect(warnings.join()).not.toContain("ECONNRESET");
    expect(warnings.at(-1)).toMatch(/^(traces|metrics|logs) did not arrive .* to the end: .*; \d+ .* were lost$/);
  });

  it.each(unreachable)(
    "that %s: a process that ends early says once what was lost, before shutdown is over",
    async (_, mode) => {
      const { telemetry, run, said } = await start(otlpTo(await endpointOf(mode), { intervalMs: 60_000 }));
      for (let index = 0; index < 600; index += 1) await run("healthy");
      await telemetry.shutdown(300);
      const lines = said.map(({ message }) => message).filter((message) => message.startsWith("traces"));
      expect(lines).toEqual([
        expect.stringMatching(/^traces did not arrive at .* to the end: (?!ECONNRESET).*; 1200 spans were lost$/),
      ]);
      if (mode === "refused") expect(lines.join()).toContain("ECONNREFUSED");
      if (typeof mode === "object" && mode.status === 503) expect(lines.join()).toContain("cannot take them now");
      const before = said.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(said).toHaveLength(before);
    },
  );

  it.each(["http/json", "http/protobuf"] as const)(
    "that never answers %s: of a push in many requests each point is counted at the end",
    async (protocol) => {
      const settings = otlpTo(await endpointOf("hang"), { protocol, intervalMs: 60_000 });
      const { telemetry, counts, said } = await start(settings);
      for (let index = 0; index < 3_000; index += 1) counts.checkAdded(identity(`check-${index}`), "unknown");
      const { resourceMetrics } = await createMetricProducer(counts).collect();
      await telemetry.shutdown(1_000);
      expect(telemetry.dropped().get("metrics")).toBeGreaterThanOrEqual(countPoints(resourceMetrics));
      expect(said.map(({ message }) => message).filter((message) => message.startsWith("metrics"))).toHaveLength(1);
    },
  );

  it.each(unreachable)("that %s: shutdown takes no longer than it may, and does not reject", async (_, mode) => {
    const { telemetry, run } = await start(otlpTo(await endpointOf(mode)));
    for (let index = 0; index < 100; index += 1) await run("healthy");
    const startedAt = performance.now();
    await telemetry.shutdown(500);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  it.each(unreachable)("that %s: flush takes no longer than it may, and does not reject", async (_, mode) => {
    const { telemetry, run } = await start(otlpTo(await endpointOf(mode)));
    await run("healthy");
    const startedAt = performance.now();
    await telemetry.flush(300);
    expect(performance.now() - startedAt).toBeLessThan(1_300);
  });

  it.each(unreachable)("that %s: the process ends as soon as telemetry is shut down", async (_, mode) => {
    const script = fileURLToPath(new URL("telemetry-child.ts", import.meta.url));
    const endpoint = await endpointOf(mode);
    // It rests until retries are waiting or requests are hanging, then has 300 ms for the rest.
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, endpoint, "300", "400"]);
    const endedAtMs = Date.now();
    const { shutdownMs, dropped, atMs } = JSON.parse(stdout);
    expect(shutdownMs).toBeLessThan(1_300);
    expect(dropped).toMatchObject({ traces: 600, logs: 1 });
    expect(endedAtMs - atMs).toBeLessThan(900);
  });

  it("and comes back: what is new arrives, and what was lost is said once", async () => {
    sink = await startOtlpSink();
    sink.answer({ status: 503 });
    const { telemetry, run, said } = await start(otlpTo(sink.endpoint, { timeoutMs: 300, intervalMs: 60_000 }));
    await run("healthy");
    await telemetry.flush(5_000);
    sink.answer("accept");
    await run("unhealthy");
    await telemetry.flush(5_000);
    expect(sink.spans.map(({ status }) => status.code).sort()).toEqual([0, 2]);
    const { port } = sink;
    expect(
      said.filter(({ message }) => message.startsWith("traces")).map(({ level, message }) => `${level}: ${message}`),
    ).toEqual([
      `warn: traces do not arrive at http://127.0.0.1:${port}/v1/traces: it answers that it cannot take them now; spans are dropped until they do`,
      `info: traces arrive again at http://127.0.0.1:${port}/v1/traces; 2 spans were lost`,
    ]);
    let text = "";
    for await (const piece of (await telemetry.metrics.render(undefined)).pieces) text += Buffer.from(piece).toString();
    expect(text).toContain('health_telemetry_dropped_total{health_telemetry_signal="traces"} 2\n');
    expect(text).toContain('health_telemetry_dropped_total{health_telemetry_signal="logs"} 0\n');
  });
});

describe.each(["http/json", "http/protobuf"] as const)("what cannot be written, by %s", (protocol) => {
  let sink: OtlpSink;
  beforeEach(async () => {
    sink = await startOtlpSink();
  });
  afterEach(() => sink.close());

  it("is dropped and counted, takes no place in the queue, and what comes after it is sent", async () => {
    const { telemetry, run, said } = await start(
      otlpTo(sink.endpoint, { protocol, intervalMs: 60_000, maxQueueSize: 2 }),
    );
    for (const hasBug of [true, true, true, false, false]) {
      if (hasBug) runWithBug(telemetry);
      else await run("healthy");
      await telemetry.flush(5_000);
    }
    expect(telemetry.dropped().get("traces")).toBe(3);
    expect(sink.spans).toHaveLength(4);
    const place = sink.url("traces");
    expect(said.map(({ message }) => message).filter((line) => line.startsWith("traces"))).toEqual([
      expect.stringMatching(/^traces cannot be written: TypeError: planted\n {4}at .*telemetry\.test\.ts/),
      `traces do not arrive at ${place}: they cannot be written (planted); spans are dropped until they do`,
      `traces arrive again at ${place}; 3 spans were lost`,
    ]);
  });
});

/** One span that no serializer can read. */
function runWithBug({ tracer }: Telemetry): void {
  const span = tracer.startSpan("odd");
  const get = (): never => {
    throw new TypeError("planted");
  };
  Object.defineProperty((span as unknown as ReadableSpan).attributes, "odd", { enumerable: true, get });
  span.end();
}

describe.each(["http/json", "http/protobuf"] as const)(
  "a receiver whose answers are no plain yes, by %s",
  (protocol) => {
    let sink: OtlpSink;
    beforeEach(async () => {
      sink = await startOtlpSink();
    });
    afterEach(() => sink.close());

    it("is reported once when it answers with what is no OTLP, without its text", async () => {
      const { telemetry, run, said } = await start(otlpTo(sink.endpoint, { protocol, intervalMs: 60_000 }));
      for (let index = 0; index < 3; index += 1) {
        sink.answer({ status: 200, body: `<html>${index} secret</html>` });
        await run("healthy");
        await telemetry.flush(5_000);
      }
      const lines = said.map(({ message }) => message);
      expect(lines.filter((line) => line.startsWith("traces"))).toEqual([
        `traces arrive at ${sink.url("traces")} with a remark: the answer is no OTLP; is this a Collector?`,
      ]);
      expect(lines.join()).not.toContain("secret");
      expect(lines.filter((line) => line.startsWith("OpenTelemetry"))).toEqual([]);
    });
  },
);

it("waits no longer than it may for the end of an answer, and counts what it was sent as taken", async () => {
  const sink = await startOtlpSink();
  sink.answer("trickle");
  const { telemetry, run, said } = await start(otlpTo(sink.endpoint, { timeoutMs: 300, intervalMs: 60_000 }));
  for (let batch = 0; batch < 2; batch += 1) {
    await run("healthy");
    await telemetry.flush(5_000);
  }
  expect(sink.requests.filter(({ signal }) => signal === "traces")).toHaveLength(2);
  expect(telemetry.dropped().get("traces")).toBe(0);
  expect(said.map(({ message }) => message).filter((line) => line.startsWith("traces"))).toEqual([
    `traces arrive at ${sink.url("traces")} with a remark: the answer did not come to its end`,
  ]);
  await sink.close();
});

it("counts what a receiver takes only in part, and says it once", async () => {
  const sink = await startOtlpSink();
  const { telemetry, run, said } = await start(otlpTo(sink.endpoint, { intervalMs: 60_000 }));
  for (const rejectedSpans of ["1", "2"]) {
    sink.answer({ status: 200, body: JSON.stringify({ partialSuccess: { rejectedSpans, errorMessage: "too old" } }) });
    await run("healthy");
    await telemetry.flush(5_000);
  }
  expect(telemetry.dropped().get("traces")).toBe(3);
  expect(said.map(({ message }) => message).filter((line) => line.startsWith("traces"))).toEqual([
    `traces do not arrive at ${sink.url("traces")}: not all are taken: too old; spans are dropped until they do`,
  ]);
  await sink.close();
});

describe.skipIf(!requireServer("openssl"))("OTLP over TLS", () => {
  let certificates: Certificates;
  let dir: string;
  let sink: OtlpSink;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "healthspan-otlp-"));
    certificates = await createCertificates(dir);
    const { server, ca } = certificates;
    sink = await startOtlpSink({ tls: { cert: server.cert, key: server.key, ca: ca.cert } });
  });
  afterAll(async () => {
    await sink.close();
    await rm(dir, { recursive: true, force: true });
  });

  const send = async (tls: NonNullable<OtlpOptions["tls"]>): Promise<Started> => {
    const result = await start(otlpTo(sink.endpoint, { tls, timeoutMs: 1_000 }));
    await result.run("healthy");
    await result.telemetry.flush(3_000);
    return result;
  };

  it("trusts the authority that is named, and shows its own certificate", async () => {
    const { ca, client } = certificates;
    await send({ ca: ca.cert, cert: client.cert, key: client.key });
    expect(sink.spans).toHaveLength(2);
  });

  it("does not send to a server that it has no reason to trust", async () => {
    sink.clear();
    const { client } = certificates;
    const { telemetry, said } = await send({ cert: client.cert, key: client.key });
    expect(sink.requests).toEqual([]);
    expect(telemetry.dropped().get("traces")).toBe(2);
    expect(said.map(({ message }) => message).join()).toMatch(/certificate|CERT/i);
  });
});

describe("loading", () => {
  it("telemetry loads no SDK before it is started, and of the exporters only those of the protocol asked for", async () => {
    const script = fileURLToPath(new URL("telemetry-modules.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script]);
    const { imported, started: loaded } = JSON.parse(stdout) as Record<"imported" | "started", readonly string[]>;
    expect(imported).toEqual([]);
    expect(loaded).toContain("sdk-metrics");
    expect(loaded).toContain("exporter-trace-otlp-http");
    expect(loaded.filter((name) => name.endsWith("-proto"))).toEqual([]);
  });
});
