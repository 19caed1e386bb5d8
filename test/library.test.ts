import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { metrics, trace } from "@opentelemetry/api";
import { logs } from "@opentelemetry/api-logs";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { AggregationTemporality } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterEach, describe, expect, it } from "vitest";
import { CheckFailure, createHealth, type Health } from "../src/index.js";
import { scriptedCheck } from "../src/testing.js";
import { collect, createReader } from "./signals/collected.js";

const run = promisify(execFile);
let health: Health | undefined;
afterEach(async () => health?.stop());

describe("createHealth", () => {
  it("runs functions as checks and reports what they found", async () => {
    health = createHealth({ service: { name: "rag-api", version: "1.0.0" } });
    health.register(async () => ({ status: "healthy", facts: { backlog: 3 } }), { name: "queue", critical: true });
    await health.start();
    expect(health.report()).toMatchObject({
      status: "healthy",
      version: "1.0.0",
      readiness: true,
      dependencies: { queue: { kind: "custom", critical: true, metadata: { backlog: 3 } } },
    });
  });

  it("tells changes to whoever listens", async () => {
    health = createHealth();
    const changes: string[] = [];
    health.on("change", ({ check, to }) => changes.push(`${check.policy.name} ${to}`));
    health.register(() => ({ status: "healthy" }), { name: "queue" });
    await health.start();
    health.unregister("queue");
    expect(changes).toEqual(["queue healthy", "queue unknown"]);
  });

  it("keeps a process that awaits its start alive until then, and no longer", async () => {
    const script = `
      const { createHealth } = await import("./src/index.ts");
      const health = createHealth();
      for (const name of ["a", "b"]) health.register(() => ({ status: "healthy" }), { name });
      await health.start();
      console.log(health.report().dependencies.b.status);`;
    const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    expect(stdout.trim()).toBe("healthy");
  });

  it("refuses what no config file could say either", () => {
    health = createHealth();
    const answer = () => ({ status: "healthy" }) as const;
    expect(() => health?.register(answer, { name: "a", interval: "1s", timeout: "2s" })).toThrow(
      "check a: `timeout` is above the interval of 1s; write `1s` or less, or a longer `interval`",
    );
    expect(() => health?.register(answer, { name: "" })).toThrow("a check needs a name");
    health.register(answer, { name: "a" });
    expect(() => health?.register(answer, { name: "a" })).toThrow("check a is registered already; unregister it first");
  });

  it("says what to write instead of a bad duration", () => {
    health = createHealth();
    expect(() => health?.register(() => ({ status: "healthy" }), { name: "queue", interval: "30" })).toThrow(
      'check queue: `interval` is "30"; write a duration such as 250ms, 30s, 5m or 1h',
    );
  });

  it("holds business traffic back while unhealthy, and lets it go during the drain", async () => {
    health = createHealth();
    health.register(() => ({ status: "unhealthy", reason: "unavailable", message: "no" }), {
      name: "a",
      critical: true,
    });
    await health.start();
    const seen: string[] = [];
    const request = { method: "GET", url: "/orders", headers: {} } as never;
    const response = { writeHead: () => response, end: () => seen.push("503") } as never;
    health.gate()(request, response, () => seen.push("next"));
    health.drain();
    health.gate()(request, response, () => seen.push("next"));
    expect(seen).toEqual(["503", "next"]);
  });

  it("loads no SDK, no Express, no YAML and no driver", async () => {
    const script = `
      await import("./src/index.ts");
      const loaded = process.moduleLoadList;
      const { createRequire } = await import("node:module");
      const required = Object.keys(createRequire(import.meta.url).cache);
      console.log(JSON.stringify([...loaded, ...required]));`;
    const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    const loaded = JSON.parse(stdout) as string[];
    expect(loaded.some((name) => name.includes("@opentelemetry/api"))).toBe(true);
    const forbidden =
      /node_modules\/(express|yaml|pino|pg|ioredis|@zilliz|@grpc|commander|@opentelemetry\/(sdk|exporter|resources))/;
    expect(loaded.filter((name) => forbidden.test(name))).toEqual([]);
  });
});

it("answers probes without starting a check, waiting for one or cancelling one", async () => {
  const signals: AbortSignal[] = [];
  let finish = (_outcome: { readonly status: "healthy" }): void => {};
  health = createHealth().register(
    ({ signal }) => {
      signals.push(signal);
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
    { name: "slow", critical: true },
  );
  const probes = health.probes({ report: true });
  const answered: number[] = [];
  function writeHead(this: object, statusCode: number): object {
    answered.push(statusCode);
    return this;
  }
  const ask = (): void => {
    const response = { writeHead, end: () => {} } as never;
    for (const url of ["/livez", "/readyz", "/ready", "/startupz", "/health"])
      probes({ method: "GET", url, headers: {} } as never, response, () => {});
  };
  const running = health.runOnce();
  await expect.poll(() => signals).toHaveLength(1);
  ask();
  // In the same turn: none of them waited for the run.
  expect(answered).toEqual([200, 503, 503, 503, 200]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  finish({ status: "healthy" });
  await running;
  ask();
  expect(signals).toHaveLength(1);
});

it("lets a probe through the gate under the name that the host gave it", async () => {
  health = createHealth();
  health.register(() => ({ status: "unhealthy", reason: "unavailable", message: "no" }), { name: "a", critical: true });
  await health.start();
  health.probes({ prefix: "/internal", paths: { "/readyz": "/are-you-ready" } });
  let hasPassed = false;
  const request = { method: "GET", url: "/internal/are-you-ready", headers: {} } as never;
  health.gate()(request, {} as never, () => {
    hasPassed = true;
  });
  expect(hasPassed).toBe(true);
});

it("holds back a path of the host's that is one of ours below the place where its gate is mounted", async () => {
  health = createHealth();
  health.register(scriptedCheck("refused"), { name: "a", critical: true });
  await health.start();
  health.probes({ report: true });
  const seen: string[] = [];
  const response = { writeHead: () => response, end: () => seen.push("503") } as never;
  // As Express hands over `/api/health` to what is mounted at `/api`.
  const request = { method: "GET", url: "/health", originalUrl: "/api/health", headers: {} };
  health.gate()(request as never, response, () => seen.push("next"));
  health.gate()({ ...request, originalUrl: "/health" } as never, response, () => seen.push("next"));
  expect(seen).toEqual(["503", "next"]);
});

describe("the life of a health", () => {
  it("starts once, however often it is asked", async () => {
    health = createHealth();
    const check = scriptedCheck();
    health.register(check, { name: "a" });
    await Promise.all([health.start(), health.start()]);
    await health.start();
    expect(check.runs).toBe(1);
  });

  it("runs at once what is registered after the start, and another start waits for it", async () => {
    health = createHealth();
    await health.start();
    expect(health.report()).toMatchObject({ phase: "running", status: "healthy", readiness: true });
    health.register(scriptedCheck("refused"), { name: "late", critical: true });
    await health.start();
    expect(health.report()).toMatchObject({ status: "unhealthy", dependencies: { late: { reason: "refused" } } });
  });

  it("is over after stop, and says so", async () => {
    health = createHealth().register(scriptedCheck(), { name: "a" });
    await health.start();
    await health.stop();
    await health.stop();
    const over = "this health was stopped, for good; create another one";
    await expect(health.start()).rejects.toThrow(over);
    await expect(health.runOnce()).rejects.toThrow(over);
    expect(() => health?.register(scriptedCheck(), { name: "b" })).toThrow(over);
    expect(health.report()).toMatchObject({ phase: "draining", readiness: false });
  });

  it("can be stopped without ever having started", async () => {
    health = createHealth().register(scriptedCheck(), { name: "a" });
    await health.stop();
    expect(health.report().dependencies.a?.status).toBe("unknown");
  });

  it("turns nonsense of a check into a failure that says what to return", async () => {
    health = createHealth();
    const nonsense = [undefined, null, true, "healthy", { ok: true }, { status: "fine" }, []];
    for (const [index, answer] of nonsense.entries()) health.register(() => answer as never, { name: `n${index}` });
    await health.start();
    for (const check of Object.values(health.report().dependencies)) {
      expect(check).toMatchObject({
        status: "unhealthy",
        reason: "internal",
        error: "the check returned no outcome; return { status: healthy | degraded | unhealthy, facts }",
      });
    }
    expect(health.report().status).toBe("degraded");
  });

  it("refuses to listen for what never happens", () => {
    health = createHealth();
    expect(() => health?.on("changed" as never, () => {})).toThrow(
      'there is no event "changed"; listen for change or status',
    );
  });

  it("refuses what is no listener, and names that are no list", async () => {
    health = createHealth();
    expect(() => health?.on("change", undefined as never)).toThrow(
      'on("change"): the listener is no function; give one',
    );
    await expect(health.runOnce("a" as never)).rejects.toThrow("runOnce: the names are no list; write one, or nothing");
  });

  it("is disturbed by no listener: many of them, one that throws, one that rejects", async () => {
    health = createHealth().register(scriptedCheck(), { name: "a" });
    const disturbances: unknown[] = [];
    const note = (what: unknown) => void disturbances.push(String(what));
    process.on("warning", note).on("unhandledRejection", note);
    try {
      for (let count = 0; count < 20; count++) health.on("change", () => {});
      health.on("change", () => {
        throw new Error("a listener of the host's");
      });
      health.on("change", async () => {
        throw new Error("an async listener of the host's");
      });
      await health.start();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("warning", note).off("unhandledRejection", note);
    }
    const warning = "HealthspanWarning: a listener or an OpenTelemetry processor threw: Error: ";
    expect(disturbances).toEqual([`${warning}a listener of the host's`, `${warning}an async listener of the host's`]);
    expect(health.report().status).toBe("healthy");
  });

  it("keeps what a check does to its run away from other runs", async () => {
    const vandal = ({ trace }: { readonly trace: object }) => {
      Object.assign(trace, { finish: undefined, within: undefined, client: undefined });
      return { status: "healthy" } as const;
    };
    health = createHealth().register(vandal, { name: "a" });
    health.register(({ trace }) => trace.client("call", {}, async () => ({ status: "healthy" })), { name: "b" });
    await health.runOnce(["a"]);
    await health.runOnce();
    expect(health.report().dependencies).toMatchObject({ a: { status: "healthy" }, b: { status: "healthy" } });
  });

  it("refuses to rename a path that there is not", () => {
    health = createHealth();
    expect(() => health?.probes({ paths: { "/readzy": "/up" } })).toThrow(
      /^paths: "\/readzy" is no path of ours; write/,
    );
    expect(() => health?.probes({ paths: { "/readyz": "up" } })).toThrow(
      'paths: "/readyz" becomes "up"; write a path that begins with "/", or false',
    );
  });

  it("tells a refusal from another copy of this package from a bug", async () => {
    class OtherCopy extends Error {
      readonly reason = "refused";
      readonly facts = {};
    }
    Object.defineProperty(OtherCopy.prototype, Symbol.for("healthspan.CheckFailure"), { value: true });
    expect(new OtherCopy() instanceof CheckFailure).toBe(true);
    health = createHealth().register(scriptedCheck(new OtherCopy("the port is closed")), { name: "a" });
    await health.start();
    expect(health.report().dependencies.a).toMatchObject({ reason: "refused", error: "the port is closed" });
  });
});

describe("a host's OpenTelemetry", () => {
  afterEach(() => {
    trace.disable();
    metrics.disable();
    logs.disable();
  });

  it("may be set up after createHealth and register, as long as it is before start", async () => {
    health = createHealth().register(scriptedCheck(), { name: "a" });
    const spans = new InMemorySpanExporter();
    const records = new InMemoryLogRecordExporter();
    const { reader, provider } = createReader();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
    metrics.setGlobalMeterProvider(provider);
    logs.setGlobalLoggerProvider(
      new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] }),
    );
    await health.start();
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(["health.check a"]);
    expect(records.getFinishedLogRecords().map(({ eventName }) => eventName)).toContain("health.check.state_change");
    const collected = await collect(reader);
    expect(collected["health.check.status"]?.points).toHaveLength(4);
    expect(collected["health.check.runs"]?.points.some(({ value }) => value === 1)).toBe(true);
  });

  it("counts what the probes answer, from the start on", async () => {
    const { reader, provider } = createReader();
    metrics.setGlobalMeterProvider(provider);
    health = createHealth().register(scriptedCheck("refused"), { name: "a", critical: true });
    const probes = health.probes();
    const ask = (): void => {
      const response = { writeHead: () => response, end: () => {} } as never;
      probes({ method: "GET", url: "/readyz", headers: {} } as never, response, () => {});
    };
    ask();
    await health.start();
    ask();
    const { "health.probe.requests": requests, "health.probe.duration": durations } = await collect(reader);
    const attributes = { "health.probe.name": "readyz", "http.response.status_code": 503 };
    expect(requests?.points).toEqual([{ attributes: { ...attributes, "health.state": "unhealthy" }, value: 1 }]);
    expect(durations?.points).toMatchObject([{ attributes }]);
  });

  it("may be broken through and through", async () => {
    const broken = (): never => {
      throw new Error("a provider of the host's");
    };
    const span = { isRecording: broken, spanContext: broken, setAttribute: broken, end: broken };
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => span }) } as never);
    metrics.setGlobalMeterProvider({ getMeter: broken });
    logs.setGlobalLoggerProvider({ getLogger: broken });
    health = createHealth().register(scriptedCheck("refused"), { name: "a", critical: true });
    await health.start();
    expect(health.report().dependencies.a).toMatchObject({ status: "unhealthy", reason: "refused", trace_id: null });
  });

  it("has no gauge of ours any more once the health is stopped", async () => {
    // A cumulative reader of this SDK goes on saying what was observed last, whoever has left.
    const { reader, provider } = createReader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
    metrics.setGlobalMeterProvider(provider);
    health = createHealth().register(scriptedCheck(), { name: "a" });
    await health.start();
    expect((await collect(reader))["health.check.status"]?.points).toHaveLength(4);
    await health.stop();
    expect((await collect(reader))["health.check.status"]?.points ?? []).toEqual([]);
  });
});
