import { describe, expect, it, vi } from "vitest";
import { CheckFailure, createPolicy, type Outcome, type PolicyOptions } from "../../src/check.js";
import { HealthService } from "../../src/engine/health-service.js";
import type { Concurrency } from "../../src/engine/slots.js";
import type { Events } from "../../src/signals/events.js";
import type { ServiceChange, StatusChange } from "../../src/signals/record.js";
import { FakeClock } from "./fake-clock.js";
import { RecordingSink, ScriptedCheck, untraced } from "./fixtures.js";

const kind = { kind: "scripted", facts: {}, defaults: { intervalMs: 10_000, timeoutMs: 1_000 } };
const healthy: Outcome = { status: "healthy" };
const refused = (): never => {
  throw new CheckFailure("refused", "connection refused");
};

function createBench(concurrency: Concurrency = { max: 256, perKind: {} }) {
  const clock = new FakeClock();
  const sink = new RecordingSink();
  const told: { checks: StatusChange[]; services: ServiceChange[] } = { checks: [], services: [] };
  const events: Events = {
    checkChanged: (change) => told.checks.push(change),
    serviceChanged: (change) => told.services.push(change),
    configReloaded: () => {},
  };
  const service = new HealthService(
    {
      version: "1.0.0",
      instance: "bench",
      readiness: "dependencies",
      concurrency,
      watchesScheduler: true,
      clock,
    },
    { tracing: untraced, sink, events: () => events },
  );
  const add = (name: string, answer?: () => Outcome, own: PolicyOptions = {}) => {
    const check = new ScriptedCheck(clock, answer);
    service.add(createPolicy(name, kind, own), kind, check);
    return check;
  };
  return { clock, sink, told, service, add };
}

describe("HealthService", () => {
  it("is starting, unknown and not ready until every critical check has a result", async () => {
    const { clock, service, add } = createBench();
    const database = add("database", undefined, { critical: true });
    add("hour", () => healthy, { intervalMs: 3_600_000 });
    void service.start();
    await clock.advance(100);
    expect(service.report()).toMatchObject({ phase: "starting", status: "unknown", readiness: false });
    database.last.resolve(healthy);
    await clock.advance(0);
    expect(service.report()).toMatchObject({ phase: "running", readiness: true });
    expect(service.hasStarted).toBe(false);
    await clock.advance(2_000);
    expect(service.hasStarted).toBe(true);
  });

  it("says of one check, and of the service without its checks, what the whole report says", async () => {
    const { clock, service, add } = createBench();
    add("database", refused, { critical: true, failureThreshold: 1 });
    add("cache", () => healthy);
    void service.start();
    await clock.advance(3_000);
    const report = service.report();
    expect(service.dependency("database")).toEqual(report.dependencies.database);
    expect(service.dependency("toString")).toBeUndefined();
    expect({ ...service.summary(), dependencies: report.dependencies, resources: {} }).toEqual(report);
    expect(service.summary(new Set(["database"]))).toMatchObject({ status: "healthy", readiness: true });
  });

  it("leaves the report degraded, never healthy, when an optional check never settles", async () => {
    const { clock, service, sink, add } = createBench();
    add("database", () => healthy, { critical: true });
    add("hung");
    void service.start();
    await clock.advance(60_000);
    expect(service.report()).toMatchObject({ status: "degraded", readiness: true });
    expect(sink.orphans).toBe(1);
  });

  it("tells each change of a check and of the service once, the first results included", async () => {
    const { clock, service, told, sink, add } = createBench();
    let isUp = true;
    add("database", () => (isUp ? healthy : refused()), { critical: true, intervalMs: 1_000 });
    void service.start();
    await clock.advance(3_000);
    isUp = false;
    await clock.advance(5_000);
    isUp = true;
    await clock.advance(5_000);
    expect(told.checks.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "unknown healthy",
      "healthy unhealthy",
      "unhealthy healthy",
    ]);
    expect(told.services.map(({ to }) => to)).toEqual(["healthy", "unhealthy", "healthy"]);
    expect(sink.serviceStatuses).toEqual(["unknown", "healthy", "unhealthy", "healthy"]);
  });

  it("is not ready the moment it drains, and its status says what it said", async () => {
    const { clock, service, add } = createBench();
    add("database", () => healthy, { critical: true });
    void service.start();
    await clock.advance(100);
    service.drain();
    expect(service.report()).toMatchObject({ phase: "draining", readiness: false, status: "healthy", liveness: true });
  });

  it("answers for the rest when checks are left out", async () => {
    const { clock, service, add } = createBench();
    add("database", refused, { critical: true });
    add("web", () => healthy);
    void service.start();
    await clock.advance(2_000);
    expect(service.report().readiness).toBe(false);
    const rest = service.report(new Set(["database"]));
    expect(rest).toMatchObject({ readiness: true, status: "healthy" });
    expect(Object.keys(rest.dependencies)).toEqual(["web"]);
  });

  it("does not lose readiness over a critical check that a reload adds", async () => {
    const { clock, service, add } = createBench();
    void service.start();
    await clock.advance(10);
    add("late", undefined, { critical: true });
    await clock.advance(10);
    expect(service.report()).toMatchObject({ phase: "running", readiness: true });
  });

  it("has a new revision at once for a verdict, and gathers news of single runs", async () => {
    const { clock, service, add } = createBench();
    const checks = Array.from({ length: 100 }, (_, index) =>
      add(`check-${index}`, () => healthy, { intervalMs: 1_000, timeoutMs: 900 }),
    );
    void service.start();
    await clock.advance(5_000);
    const revisions = new Set<number>();
    const before = checks.reduce((sum, check) => sum + check.runs.length, 0);
    for (let step = 0; step < 100; step++) {
      await clock.advance(10);
      revisions.add(service.revision);
    }
    const runs = checks.reduce((sum, check) => sum + check.runs.length, 0) - before;
    expect(runs).toBe(100);
    expect(revisions.size).toBeGreaterThan(10);
    const { revision } = service;
    service.drain();
    expect(service.revision).not.toBe(revision);
  });

  it("hands out a check's history, and none of a check that does not exist", async () => {
    const { clock, service, add } = createBench();
    add("database", () => healthy);
    void service.start();
    await clock.advance(25_000);
    expect(service.history("database")?.length).toBeGreaterThanOrEqual(2);
    expect(service.history("nobody")).toBeUndefined();
  });

  it("says nothing of the service before it starts, whatever is added, and is unknown until then", async () => {
    const { clock, told, service, add } = createBench();
    add("cache", () => healthy);
    await clock.advance(0);
    expect(service.report()).toMatchObject({ phase: "starting", status: "unknown", readiness: false });
    add("database", () => healthy, { critical: true });
    await clock.advance(0);
    expect(told.services).toEqual([]);
    void service.start();
    await clock.advance(2_000);
    expect(told.services.map(({ from, to }) => [from, to])).toEqual([["unknown", "healthy"]]);
  });

  it("judges a reload as a whole", async () => {
    const { clock, told, service, add } = createBench();
    add("old", refused, { critical: true });
    add("cache", refused);
    void service.start();
    await clock.advance(2_000);
    service.remove("old");
    service.remove("cache");
    await clock.advance(0);
    expect(told.services.map(({ to }) => to)).toEqual(["unhealthy", "healthy"]);
  });

  it("goes on when a listener throws, and tells the others", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { clock, service, add } = createBench();
    const told: string[] = [];
    service.on("change", () => refused()).on("change", ({ to }) => told.push(to));
    service.on("status", () => refused());
    const check = add("queue", () => healthy);
    const started = service.start();
    await clock.advance(20_000);
    await started;
    expect(told).toEqual(["healthy"]);
    expect(check.runs.length).toBeGreaterThan(1);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });

  it("has started at the latest when the longest timeout is over, though checks still wait for a slot", async () => {
    const { clock, service, add } = createBench({ max: 256, perKind: { scripted: 1 } });
    for (let index = 0; index < 50; index++) add(`hung-${index}`);
    let hasStarted = false;
    void service.start().then(() => {
      hasStarted = true;
    });
    await clock.advance(3_200);
    expect(hasStarted).toBe(true);
  });

  it("does not wait for results again when it is started twice", async () => {
    const { clock, service, add } = createBench();
    add("queue", () => healthy);
    await Promise.all([service.start(), clock.advance(100)]);
    await service.start();
    expect(service.report().status).toBe("healthy");
  });

  it("has started once and for all, also when nobody asked before a reload", async () => {
    const { clock, service, add } = createBench();
    add("queue", () => healthy);
    void service.start();
    await clock.advance(100);
    add("late");
    expect(service.hasStarted).toBe(true);
  });

  it("counts its uptime by a clock that is never stepped", async () => {
    const { clock, service } = createBench();
    await clock.advance(5_000);
    clock.stepWall(3_600_000);
    expect(service.report().uptime_seconds).toBe(5);
  });
});
