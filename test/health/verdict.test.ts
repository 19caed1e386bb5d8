import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPolicy, type Phase, type Status, statuses, type Verdict } from "../../src/check.js";
import { initialState } from "../../src/health/state.js";
import {
  type CheckView,
  nextPhase,
  notReadyReason,
  type ReadinessMode,
  serviceStatus,
  statusMessage,
} from "../../src/health/verdict.js";

const kind = { kind: "scripted", defaults: { intervalMs: 1_000, timeoutMs: 500 } };

function check(name: string, status: Status, critical = false, hasResult = true): CheckView {
  const verdict: Verdict = status === "unknown" ? "healthy" : status;
  const result = { status: verdict, facts: {}, atMs: 0, message: "connection refused" };
  return {
    policy: createPolicy(name, kind, { critical }),
    state: { ...initialState(0), status, ...(hasResult && { result }) },
    isResources: false,
  };
}

function judgeService(checks: readonly CheckView[], phase: Phase, mode: ReadinessMode = "dependencies") {
  const status = serviceStatus(checks, phase);
  const reason = notReadyReason(checks, phase, mode);
  return { status, message: statusMessage(status, checks), readiness: reason === null, reason };
}

describe("the verdict on the service", () => {
  it("is healthy without checks", () => {
    expect(judgeService([], "running")).toEqual({
      status: "healthy",
      message: "All dependencies are healthy",
      readiness: true,
      reason: null,
    });
  });

  it.each([
    ["unhealthy", "database is unhealthy: connection refused"],
    ["unknown", "database is unknown: no result for three intervals"],
  ] as const)("is unhealthy when a critical check is %s, and says why", (status, reason) => {
    const verdict = judgeService([check("database", status, true), check("redis", "unhealthy")], "running");
    expect(verdict).toMatchObject({ status: "unhealthy", message: "Critical dependencies are unhealthy" });
    expect(verdict.readiness).toBe(false);
    expect(verdict.reason).toBe(reason);
  });

  it("names what is unavailable and what is degraded otherwise, and stays ready", () => {
    const checks = [
      check("redis", "unhealthy"),
      check("llm_api", "unknown"),
      check("database", "degraded", true),
      check("web", "healthy"),
    ];
    expect(judgeService(checks, "running")).toEqual({
      status: "degraded",
      message: "Running in degraded mode: redis, llm_api unavailable; database degraded",
      readiness: true,
      reason: null,
    });
  });

  it("leaves a check without a first result out of the verdict", () => {
    expect(judgeService([check("new", "unknown", false, false)], "running").status).toBe("healthy");
    expect(judgeService([check("new", "unknown", true, false)], "running")).toMatchObject({
      status: "healthy",
      readiness: true,
    });
  });

  it("is unknown and not ready while starting without the results of critical checks", () => {
    const verdict = judgeService([check("database", "unknown", true, false)], "starting");
    expect(verdict).toMatchObject({ status: "unknown", readiness: false });
    expect(verdict.reason).toBe("Waiting for the first result of database");
  });

  it("is never ready while draining", () => {
    expect(judgeService([check("web", "healthy")], "draining")).toMatchObject({
      status: "healthy",
      readiness: false,
      reason: "The process is draining",
    });
  });

  it("is ready as an agent of a fleet whatever the checks say", () => {
    const checks = [check("database", "unhealthy", true)];
    expect(judgeService(checks, "running", "agent")).toMatchObject({ status: "unhealthy", readiness: true });
    expect(judgeService(checks, "draining", "agent").readiness).toBe(false);
  });
});

describe("nextPhase", () => {
  const waiting = check("a", "unknown", true, false);
  it("is starting until every critical check has a result, whatever it is", () => {
    expect(nextPhase("starting", "dependencies", [waiting])).toBe("starting");
    expect(nextPhase("starting", "dependencies", [check("a", "unhealthy", true)])).toBe("running");
    expect(nextPhase("starting", "dependencies", [check("b", "unknown", false, false)])).toBe("running");
  });
  it("never goes back, and draining is the last", () => {
    expect(nextPhase("running", "dependencies", [waiting])).toBe("running");
    expect(nextPhase("draining", "dependencies", [check("a", "healthy", true)])).toBe("draining");
  });
  it("does not wait for checks in an agent of a fleet", () => {
    expect(nextPhase("starting", "agent", [waiting])).toBe("running");
  });
});

describe("the verdict on any checks", () => {
  const anyCheck = fc
    .tuple(fc.constantFrom(...statuses), fc.boolean(), fc.boolean())
    .map(([status, isCritical, hasResult]) => check("c", status, isCritical, hasResult));
  const anyChecks = fc.array(anyCheck, { maxLength: 8 });
  const phase = fc.constantFrom<Phase>("starting", "running", "draining");
  const mode = fc.constantFrom<ReadinessMode>("dependencies", "agent");
  const rank: Readonly<Record<Status, number>> = { healthy: 0, degraded: 1, unhealthy: 2, unknown: 3 };

  it("does not depend on their order", () => {
    fc.assert(
      fc.property(anyChecks, phase, (checks, at) => {
        expect(serviceStatus([...checks].reverse(), at)).toBe(serviceStatus(checks, at));
      }),
    );
  });

  it("is never better when a check gets worse, and unhealthy by critical ones only", () => {
    fc.assert(
      fc.property(anyChecks, fc.boolean(), fc.constantFrom(...statuses), (checks, isCritical, status) => {
        const before = serviceStatus([...checks, check("x", "healthy", isCritical)], "running");
        const after = serviceStatus([...checks, check("x", status, isCritical)], "running");
        expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
        if (!isCritical) expect(after === "unhealthy").toBe(before === "unhealthy");
      }),
    );
  });

  it("is not ready by its dependencies exactly when the running service is unhealthy, and never while draining", () => {
    fc.assert(
      fc.property(anyChecks, mode, (checks, by) => {
        expect(notReadyReason(checks, "draining", by)).not.toBeNull();
        const reason = notReadyReason(checks, "running", "dependencies");
        expect(reason !== null).toBe(serviceStatus(checks, "running") === "unhealthy");
        expect(notReadyReason(checks, "running", "agent")).toBeNull();
      }),
    );
  });

  it("has a phase that only goes forward, and runs once no critical check waits", () => {
    fc.assert(
      fc.property(anyChecks, phase, mode, (checks, before, by) => {
        const after = nextPhase(before, by, checks);
        if (before !== "starting") expect(after).toBe(before);
        const isWaiting = checks.some(({ policy, state }) => policy.critical && state.result === undefined);
        if (before === "starting") expect(after).toBe(by === "dependencies" && isWaiting ? "starting" : "running");
      }),
    );
  });
});
