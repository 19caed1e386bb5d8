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

describe("any row of results, silences and reloads", () => {
  const severity = { healthy: 0, degraded: 1, unhealthy: 2 } as const;
  const verdict = fc.constantFrom<Verdict>("healthy", "degraded", "unhealthy");
  const event = fc.oneof({ weight: 8, arbitrary: verdict }, fc.constantFrom("stale" as const, "reload" as const));
  const limit = fc.integer({ min: 1, max: 4 });

  /** The rule as the documentation says it, over the whole row since the last change. */
  function expected(row: readonly Verdict[], status: Verdict, failures: number, successes: number): Verdict {
    const from = severity[status];
    const trailing = (isOne: (item: Verdict) => boolean) => row.slice(row.findLastIndex((item) => !isOne(item)) + 1);
    const worse = trailing((item) => severity[item] > from);
    const better = trailing((item) => severity[item] < from);
    const bySeverity = (items: readonly Verdict[]) => [...items].sort((a, b) => severity[a] - severity[b]);
    if (worse.length >= failures) return bySeverity(worse)[0] ?? status;
    if (better.length >= successes) return bySeverity(better).at(-1) ?? status;
    return status;
  }

  it("leads to the status that the rule gives, and remembers failures, successes and times", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), limit, limit, (events, failureThreshold, successThreshold) => {
        let state = initialState(0);
        let row: Verdict[] = [];
        let countsAtOnce = true;
        const all: Verdict[] = [];
        events.forEach((item, index) => {
          const before = state;
          const nowMs = index + 1;
          if (item === "stale") {
            state = staleState(state, nowMs);
            expect(state.status).toBe("unknown");
            countsAtOnce = true;
            return;
          }
          if (item === "reload") {
            state = carriedOver(state);
            expect(state.status).toBe(before.status);
            countsAtOnce ||= state.isCarriedOver;
            return;
          }
          state = nextState(state, result(item, nowMs), { failureThreshold, successThreshold }, nowMs);
          row.push(item);
          all.push(item);
          const wanted =
            countsAtOnce || before.status === "unknown"
              ? item
              : expected(row, before.status, failureThreshold, successThreshold);
          expect(state.status).toBe(wanted);
          expect(state.rawStatus).toBe(item);
          expect(state.sinceMs).toBe(wanted === before.status ? before.sinceMs : nowMs);
          if (countsAtOnce || wanted !== before.status) row = [];
          countsAtOnce = false;
          expect(state.consecutiveFailures).toBe(all.length - 1 - all.findLastIndex((each) => each !== "unhealthy"));
          expect(state.lastFailure === undefined).toBe(!all.includes("unhealthy"));
          expect(state.lastSuccessMs === undefined).toBe(all.every((each) => each === "unhealthy"));
        });
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
