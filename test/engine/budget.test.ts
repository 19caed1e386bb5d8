import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budgets, initialBudget, maxSavedRuns, refilled, spent, wholeRuns } from "../../src/engine/budget.js";
import type { Result } from "../../src/health/state.js";

const dayMs = 86_400_000;
const minuteMs = 60_000;

function createBudgets() {
  const time = { ms: 0 };
  return { time, budgets: new Budgets(() => time.ms) };
}

describe("a budget", () => {
  it("begins with one run and not with two", () => {
    const first = spent(initialBudget(0));
    expect(first).toBeDefined();
    expect(first && spent(first)).toBeUndefined();
  });

  it("fills evenly over the day and saves up two runs at most", () => {
    const empty = { saved: 0, atMs: 0 };
    expect(wholeRuns(refilled(empty, 288, 5 * minuteMs - 1_000))).toBe(0);
    expect(wholeRuns(refilled(empty, 288, 5 * minuteMs))).toBe(1);
    expect(wholeRuns(refilled(empty, 288, 30 * dayMs))).toBe(2);
  });

  it("pays every regular run of 300 s out of 288 a day, however late each of them starts", () => {
    const lateness = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 50, maxLength: 50 });
    // The second run comes at the check's phase: half an interval to one and a half after the first.
    fc.assert(
      fc.property(
        lateness,
        fc.integer({ min: 150_000, max: 450_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        (lates, gap, late) => {
          const { time, budgets } = createBudgets();
          time.ms = late;
          expect(budgets.purse("llm", 288).spend()).toBe(true);
          const regular = lates.map((lateMs, index) => gap + index * 300_000 + lateMs);
          for (const atMs of regular) {
            time.ms = Math.max(time.ms, atMs);
            expect(budgets.purse("llm", 288).spend()).toBe(true);
          }
        },
      ),
    );
  });

  it("earns no time twice from a clock that jumps back and forth", () => {
    const { time, budgets } = createBudgets();
    let paid = 0;
    for (let jump = 0; jump < 100; jump++) {
      time.ms = jump % 2 === 0 ? 0 : dayMs;
      if (budgets.purse("llm", 1).spend()) paid++;
    }
    expect(paid).toBe(2);
  });

  it("never pays more than the day's runs and two within any 24 hours, whenever it is asked", () => {
    const runsPerDay = 24;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 * minuteMs }), { minLength: 100, maxLength: 200 }), (gaps) => {
        const { time, budgets } = createBudgets();
        const paid: number[] = [];
        for (const gap of gaps) {
          time.ms += gap;
          if (budgets.purse("llm", runsPerDay).spend()) paid.push(time.ms);
        }
        for (const from of paid) {
          const within = paid.filter((atMs) => atMs >= from && atMs < from + dayMs).length;
          expect(within).toBeLessThanOrEqual(runsPerDay + maxSavedRuns);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("counts whole runs, and takes one of them per run however often it is asked", () => {
    const { time, budgets } = createBudgets();
    const purse = budgets.purse("llm", 288);
    expect([purse.remaining, purse.hasPaid]).toEqual([1, false]);
    expect([purse.spend(), purse.spend()]).toEqual([true, true]);
    expect([purse.remaining, purse.hasPaid]).toEqual([0, true]);
    const next = budgets.purse("llm", 288);
    expect([next.spend(), next.hasPaid, next.remaining]).toEqual([false, false, 0]);
    time.ms = 10 * minuteMs;
    expect(budgets.purse("llm", 288).remaining).toBe(2);
  });

  it("belongs to the name: what was earned at the old rate stays earned when the rate changes", () => {
    const { time, budgets } = createBudgets();
    budgets.purse("llm", 288).spend();
    budgets.purse("llm", 1);
    time.ms = 60 * minuteMs;
    expect(budgets.purse("llm", 288).remaining).toBe(0);
    expect(budgets.purse("other", 1).remaining).toBe(1);
  });

  it("is forgotten only when a new one would hold no more", () => {
    const { time, budgets } = createBudgets();
    const paid: Result = { status: "healthy", facts: {}, atMs: 0, isPaid: true };
    const leave = (): void => {
      budgets.keep("llm", paid);
      budgets.forget();
    };
    budgets.purse("llm", 288).spend();
    leave();
    expect(budgets.lastPaid("llm")).toBe(paid);
    expect(budgets.purse("llm", 288).remaining).toBe(0);
    time.ms = 20 * minuteMs;
    budgets.forget();
    expect(budgets.purse("llm", 288).remaining).toBe(2);
    leave();
    expect(budgets.lastPaid("llm")).toBeUndefined();
    // Forgotten, it begins anew with less than it had saved up.
    expect(budgets.purse("llm", 288).remaining).toBe(1);
  });
});
