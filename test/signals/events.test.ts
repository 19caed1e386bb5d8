import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { beforeEach, describe, expect, it } from "vitest";
import { createPolicy } from "../../src/check.js";
import { createEvents } from "../../src/signals/events.js";
import { createScrubber } from "../../src/signals/scrubber.js";

const exporter = new InMemoryLogRecordExporter();
const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
const events = createEvents(provider.getLogger("test"), createScrubber(["hunter2"]));
const policy = createPolicy(
  "db",
  { kind: "postgres", defaults: { intervalMs: 1_000, timeoutMs: 500 } },
  { owner: "core", labels: { tier: "1" } },
);
const check = { policy, facts: {}, hasOpenFacts: false };
const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16) };

const only = () => {
  const [record, ...others] = exporter.getFinishedLogRecords();
  if (!record || others.length > 0) throw new Error("expected one record");
  return record;
};

beforeEach(() => exporter.reset());

describe("events", () => {
  it("say a check's change with both states, reason, labels and the run's trace", () => {
    events.checkChanged({
      check,
      from: "healthy",
      to: "unhealthy",
      reason: "auth",
      message: "refused hunter2",
      atMs: 1_000,
      ...trace,
    });
    expect(only().eventName).toBe("health.check.state_change");
    expect(only().spanContext).toMatchObject(trace);
    expect(only().attributes).toEqual({
      "health.check.name": "db",
      "health.check.kind": "postgres",
      "health.check.critical": false,
      "health.check.state": "unhealthy",
      "health.check.previous_state": "healthy",
      "health.check.owner": "core",
      "health.check.label.tier": "1",
      "error.type": "auth",
      "health.check.message": "refused ***",
    });
  });

  it("have no `error.type` on a recovery, and no trace where none was kept", () => {
    events.checkChanged({ check, from: "unhealthy", to: "healthy", atMs: 1_000 });
    expect(only().attributes["error.type"]).toBeUndefined();
    expect(only().spanContext).toBeUndefined();
  });

  it("say the service's change", () => {
    events.serviceChanged({ from: "healthy", to: "degraded", message: "Running in degraded mode", atMs: 1 });
    expect(only().eventName).toBe("health.state_change");
    expect(only().attributes).toMatchObject({ "health.state": "degraded", "health.previous_state": "healthy" });
  });

  it("say a refused reload with its problems", () => {
    events.configReloaded({ isAccepted: false, configHash: "abc", problems: ["a:1:1 x: y"], atMs: 1 });
    expect(only().attributes).toMatchObject({
      "health.config.result": "refused",
      "health.config.problems": ["a:1:1 x: y"],
    });
  });
});
