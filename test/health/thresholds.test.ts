import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyThresholds } from "../../src/health/thresholds.js";

const thresholds = {
  memory_percent: { degraded: { above: 80 }, unhealthy: { above: 90 } },
  days_left: { unhealthy: { below: 7 } },
};
const judged = (facts: Record<string, number | boolean>, durationMs = 1) =>
  applyThresholds({ status: "healthy", facts }, durationMs, thresholds);

describe("applyThresholds", () => {
  it.each([
    [{ memory_percent: 80, days_left: 7 }, "healthy", undefined],
    [{ memory_percent: 80.01, days_left: 7 }, "degraded", "memory_percent is 80.01, above 80"],
    [{ memory_percent: 95, days_left: 7 }, "unhealthy", "memory_percent is 95, above 90"],
    [{ memory_percent: 85, days_left: 3 }, "unhealthy", "days_left is 3, below 7"],
    [{ memory_percent: 95, days_left: 3 }, "unhealthy", "memory_percent is 95, above 90; days_left is 3, below 7"],
  ])("compares strictly: %o is %s", (facts, status, message) => {
    const { outcome } = judged(facts);
    expect(outcome.status).toBe(status);
    expect(outcome.message).toBe(message);
    expect(outcome.reason).toBe(status === "healthy" ? undefined : "threshold");
  });

  it("skips a fact that the run did not bring, and says so", () => {
    expect(judged({ memory_percent: 10 }).skipped).toEqual(["days_left"]);
  });

  it("never betters an outcome, and leaves an unhealthy one its own reason", () => {
    const unhealthy = { status: "unhealthy", reason: "refused", facts: { memory_percent: 99 } } as const;
    expect(applyThresholds(unhealthy, 1, thresholds).outcome).toBe(unhealthy);
    const degraded = { status: "degraded", reason: "overloaded", facts: { memory_percent: 85, days_left: 9 } } as const;
    expect(applyThresholds(degraded, 1, thresholds).outcome.reason).toBe("overloaded");
  });

  it("judges the duration of the run for every kind", () => {
    const slow = { duration_ms: { degraded: { above: 200 } } };
    expect(applyThresholds({ status: "healthy" }, 200.5, slow).outcome.status).toBe("degraded");
    expect(applyThresholds({ status: "healthy" }, 200, slow).outcome.status).toBe("healthy");
  });

  it("takes a boolean as 0 or 1", () => {
    const up = { link_up: { unhealthy: { below: 1 } } };
    expect(applyThresholds({ status: "healthy", facts: { link_up: false } }, 1, up).outcome.status).toBe("unhealthy");
    expect(applyThresholds({ status: "healthy", facts: { link_up: true } }, 1, up).outcome.status).toBe("healthy");
  });

  it("gives the worst of what is crossed, whatever the order, and skips exactly what is no number", () => {
    const names = ["a", "b", "c", "duration_ms"];
    const number = fc.double({ min: -100, max: 100, noNaN: true });
    const bound = fc.record({ above: number, below: number }, { requiredKeys: [] });
    const limits = fc.dictionary(
      fc.constantFrom(...names),
      fc.record({ degraded: bound, unhealthy: bound }, { requiredKeys: [] }),
    );
    const fact = fc.oneof(number, fc.boolean(), fc.string(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY));
    const isCrossed = (value: number, { above, below }: { above?: number; below?: number } = {}): boolean =>
      (above !== undefined && value > above) || (below !== undefined && value < below);
    fc.assert(
      fc.property(limits, fc.dictionary(fc.constantFrom("a", "b", "c"), fact), number, (given, facts, durationMs) => {
        const values = Object.entries({ ...facts, duration_ms: durationMs }).flatMap(([name, value]) =>
          typeof value === "string" || !Number.isFinite(Number(value)) ? [] : [[name, Number(value)] as const],
        );
        const crosses = (status: "degraded" | "unhealthy") =>
          values.some(([name, value]) => isCrossed(value, given[name]?.[status]));
        const wanted = crosses("unhealthy") ? "unhealthy" : crosses("degraded") ? "degraded" : "healthy";
        const { outcome, skipped } = applyThresholds({ status: "healthy", facts }, durationMs, given);
        const turned = Object.fromEntries(Object.entries(given).reverse());
        expect(outcome.status).toBe(wanted);
        expect(outcome.reason).toBe(wanted === "healthy" ? undefined : "threshold");
        expect(applyThresholds({ status: "healthy", facts }, durationMs, turned).outcome.status).toBe(wanted);
        const known = new Set(values.map(([name]) => name));
        expect([...skipped].sort()).toEqual(
          Object.keys(given)
            .filter((name) => !known.has(name))
            .sort(),
        );
      }),
    );
  });
});
