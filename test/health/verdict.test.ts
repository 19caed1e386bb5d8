import { describe, expect, it } from "vitest";
import type { Status } from "../../src/check.js";
import { type Judgeable, judgeService } from "../../src/health/verdict.js";

const check = (name: string, status: Status, critical = false, hasResult = true): Judgeable => ({
  name,
  status,
  critical,
  hasResult,
});

describe("judgeService", () => {
  it("is healthy without checks", () => {
    expect(judgeService([], "running")).toEqual({
      status: "healthy",
      message: "All dependencies are healthy",
      readiness: true,
      reason: null,
    });
  });

  it.each(["unhealthy", "unknown"] as const)("is unhealthy when a critical check is %s", (status) => {
    const verdict = judgeService([check("database", status, true), check("redis", "unhealthy")], "running");
    expect(verdict).toMatchObject({ status: "unhealthy", message: "Critical dependencies are unhealthy" });
    expect(verdict.readiness).toBe(false);
    expect(verdict.reason).toBe(`database is ${status}`);
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
