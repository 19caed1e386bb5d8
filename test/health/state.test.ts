import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Verdict } from "../../src/check.js";
import {
  type CheckState,
  carriedOver,
  initialState,
  isStale,
  nextState,
  type Result,
  staleState,
  transitionOf,
  withTrace,
} from "../../src/health/state.js";

const policy = { failureThreshold: 2, successThreshold: 1 };
const result = (status: Verdict, atMs = 0): Result => ({
  status,
  facts: {},
  atMs,
  ...(status !== "healthy" && { reason: "refused", message: "connection refused" }),
});
const fold = (verdicts: readonly Verdict[], thresholds = policy, from: CheckState = initialState(0)): CheckState =>
  verdicts.reduce((state, verdict, index) => nextState(state, result(verdict, index), thresholds, index), from);

describe("nextState", () => {
  it.each(["healthy", "degraded", "unhealthy"] as const)("lets the first result (%s) count at once", (verdict) => {
    expect(fold([verdict]).status).toBe(verdict);
  });

  it("moves only after `failureThreshold` worse results in a row", () => {
    expect(fold(["healthy", "unhealthy"]).status).toBe("healthy");
    expect(fold(["healthy", "unhealthy", "unhealthy"]).status).toBe("unhealthy");
    expect(fold(["healthy", "unhealthy", "healthy", "unhealthy"]).status).toBe("healthy");
  });

  it("moves to the mildest of the worse results", () => {
    expect(fold(["healthy", "unhealthy", "degraded"]).status).toBe("degraded");
    expect(fold(["healthy", "degraded", "unhealthy"]).status).toBe("degraded");
  });

  it("moves back after `successThreshold` better results in a row, to the worst of them", () => {
    const slow = { failureThreshold: 1, successThreshold: 3 };
    expect(fold(["unhealthy", "healthy", "healthy"], slow).status).toBe("unhealthy");
    expect(fold(["unhealthy", "healthy", "degraded", "healthy"], slow).status).toBe("degraded");
    expect(fold(["unhealthy", "healthy", "healthy", "healthy"], slow).status).toBe("healthy");
  });

  it("reports the raw status beside the effective one", () => {
    expect(fold(["healthy", "unhealthy"])).toMatchObject({ status: "healthy", rawStatus: "unhealthy" });
  });

  it("keeps the time of the change, not of the last result", () => {
    expect(fold(["healthy", "healthy", "unhealthy", "unhealthy", "unhealthy"]).sinceMs).toBe(3);
  });

  it("counts failures in a row and keeps the last one after recovery", () => {
    const state = fold(["healthy", "unhealthy", "unhealthy", "healthy"]);
    expect(state.consecutiveFailures).toBe(0);
    expect(state.lastFailure).toEqual({ atMs: 2, reason: "refused", message: "connection refused" });
    expect(state.lastSuccessMs).toBe(3);
  });

  it("lets the next result after staleness, and after a reload, count at once", () => {
    const well = fold(["healthy"]);
    expect(nextState(staleState(well, 9), result("unhealthy"), policy, 10).status).toBe("unhealthy");
    expect(nextState(carriedOver(well), result("unhealthy"), policy, 10).status).toBe("unhealthy");
  });

  it("never shows a status that no result in the folded row had, and never skips the thresholds", () => {
    const verdict = fc.constantFrom<Verdict>("healthy", "degraded", "unhealthy");
    fc.assert(
      fc.property(fc.array(verdict, { minLength: 1 }), fc.integer({ min: 1, max: 4 }), (verdicts, failureThreshold) => {
        const state = fold(verdicts, { failureThreshold, successThreshold: 1 });
        expect(verdicts).toContain(state.status);
        const changes = verdicts.filter((_, index) => {
          const before = fold(verdicts.slice(0, index), { failureThreshold, successThreshold: 1 });
          const after = fold(verdicts.slice(0, index + 1), { failureThreshold, successThreshold: 1 });
          return index > 0 && before.status === "healthy" && after.status !== "healthy";
        });
        const failures = verdicts.filter((item) => item !== "healthy").length;
        expect(changes.length * failureThreshold).toBeLessThanOrEqual(failures);
      }),
    );
  });
});

describe("staleness", () => {
  it("begins when three intervals have passed without a result", () => {
    const state = fold(["healthy"]);
    expect(isStale(state, 1_000, 3_000)).toBe(false);
    expect(isStale(state, 1_000, 3_001)).toBe(true);
    expect(isStale(initialState(0), 1_000, 99_999)).toBe(false);
  });
});

describe("transitions and traces", () => {
  it("names a change and nothing else", () => {
    const healthy = fold(["healthy"]);
    expect(transitionOf(initialState(0), healthy)).toEqual({ from: "unknown", to: "healthy" });
    expect(transitionOf(healthy, fold(["healthy", "healthy"]))).toBeUndefined();
  });

  it("puts the kept trace on the result, and on the failure it was", () => {
    expect(withTrace(fold(["unhealthy"]), "abc")).toMatchObject({
      result: { traceId: "abc" },
      lastFailure: { traceId: "abc" },
    });
    expect(withTrace(fold(["unhealthy", "healthy"]), "abc").lastFailure?.traceId).toBeUndefined();
  });
});
