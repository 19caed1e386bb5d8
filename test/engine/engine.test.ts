import { describe, expect, it } from "vitest";
import { CheckFailure, type Outcome } from "../../src/check.js";
import { createScrubber } from "../../src/signals/scrubber.js";
import { createBench, registered, ScriptedCheck } from "./fixtures.js";

const healthy: Outcome = { status: "healthy" };
const refused = (): never => {
  throw new CheckFailure("refused", "connection refused");
};
const never = (): Promise<Outcome> => new Promise(() => {});

describe("the schedule", () => {
  it("runs every check once at the start, critical ones first, whatever their interval", async () => {
    const { clock, engine } = createBench();
    const checks = ["a", "b", "c", "d"].map((name) => {
      const check = new ScriptedCheck(clock, () => healthy);
      engine.add(registered(name, check, { intervalMs: 3_600_000, critical: name === "d" }));
      return check;
    });
    engine.start();
    await clock.advance(0);
    expect(checks.map((check) => check.runs.length)).toEqual([0, 0, 0, 1]);
    await clock.advance(2_000);
    expect(checks.map((check) => check.runs.length)).toEqual([1, 1, 1, 1]);
  });

  it("keeps a drift-free interval from the phase of the check on", async () => {
    const { clock, engine } = createBench();
    const check = new ScriptedCheck(clock, () => healthy);
    engine.add(registered("steady", check, { intervalMs: 1_000, timeoutMs: 500 }));
    engine.start();
    await clock.advance(20_000);
    expect(check.gapsMs.slice(1)).toEqual(check.gapsMs.slice(1).map(() => 1_000));
    expect(check.runs.length).toBeGreaterThanOrEqual(19);
  });

  it("gives two agents different phases of the same check, and one agent the same phase again", async () => {
    const { phaseOf } = await import("../../src/engine/cadence.js");
    expect(phaseOf("one", "db")).not.toBe(phaseOf("two", "db"));
    expect(phaseOf("one", "db")).toBe(phaseOf("one", "db"));
  });

  it("counts what a stall made impossible, and does not release it all at once", async () => {
    const { clock, engine, sink } = createBench();
    const checks = Array.from({ length: 100 }, (_, index) => {
      const check = new ScriptedCheck(clock, () => healthy);
      engine.add(registered(`check-${index}`, check, { intervalMs: 1_000, timeoutMs: 500 }));
      return check;
    });
    engine.start();
    await clock.advance(10_000);
    const before = checks.reduce((sum, check) => sum + check.runs.length, 0);
    clock.stall(5_000);
    await clock.advance(0);
    const released = checks.reduce((sum, check) => sum + check.runs.length, 0) - before;
    expect(released).toBeLessThanOrEqual(10);
    await clock.advance(1_000);
    expect(sink.missedRuns).toBeGreaterThanOrEqual(400);
    expect(Math.max(...sink.lags)).toBeGreaterThan(4);
  });
});

describe("a failing check", () => {
  it("is run again at its failing interval, less often after twelve failures in a row, and at its interval once it is well", async () => {
    const { clock, engine } = createBench();
    let isUp = false;
    const check = new ScriptedCheck(clock, () => (isUp ? healthy : refused()));
    engine.add(registered("db", check, { intervalMs: 60_000, timeoutMs: 1_000, failingIntervalMs: 5_000 }));
    engine.start();
    await clock.advance(300_000);
    expect(check.gapsMs.slice(0, 12)).toEqual(Array(12).fill(5_000));
    expect(check.gapsMs.slice(12, 16)).toEqual([10_000, 20_000, 40_000, 60_000]);
    isUp = true;
    await clock.advance(200_000);
    expect(check.gapsMs.at(-1)).toBe(60_000);
  });

  it("waits as long as the target asked, and the skipped due times count as overloaded", async () => {
    const { clock, engine, sink } = createBench();
    const check = new ScriptedCheck(clock, (_, count) => {
      if (count > 1) return healthy;
      throw new CheckFailure("overloaded", "asked to wait", { retryAfterMs: 22_000 });
    });
    engine.add(registered("api", check, { intervalMs: 30_000, failingIntervalMs: 5_000 }));
    engine.start();
    await clock.advance(21_000);
    expect(check.runs).toHaveLength(1);
    expect(sink.runs.slice(1).map((record) => [record.reason, record.durationMs])).toEqual(
      Array(4).fill(["overloaded", undefined]),
    );
    await clock.advance(10_000);
    expect(check.runs).toHaveLength(2);
    expect(engine.check("api")?.state.status).toBe("healthy");
  });
});

describe("a check that hangs", () => {
  it("ends as a timeout at its deadline, is orphaned once, and is not started again while it hangs", async () => {
    const { clock, engine, sink } = createBench();
    const check = new ScriptedCheck(clock, never);
    engine.add(registered("hung", check, { intervalMs: 5_000, timeoutMs: 1_000, failingIntervalMs: 2_000 }));
    engine.start();
    await clock.advance(1_100);
    const [first] = sink.runs;
    expect(first).toMatchObject({ reason: "timeout", message: "no answer within 1s", status: "unhealthy" });
    expect(first?.durationMs).toBeLessThanOrEqual(1_100);
    expect(check.last.run.signal.aborted).toBe(true);
    await clock.advance(60_000);
    expect(check.runs).toHaveLength(1);
    expect(sink.orphans).toBe(1);
    const { state } = engine.check("hung") ?? {};
    expect(state?.status).toBe("unhealthy");
    expect(state?.consecutiveFailures).toBeGreaterThan(10);
    expect(sink.runs.slice(1).every((record) => record.durationMs === undefined)).toBe(true);
  });

  it("runs again once the orphan has settled", async () => {
    const { clock, engine } = createBench();
    const check = new ScriptedCheck(clock);
    engine.add(registered("slow", check, { intervalMs: 5_000, timeoutMs: 1_000, failingIntervalMs: 2_000 }));
    engine.start();
    await clock.advance(4_500);
    check.last.resolve(healthy);
    await clock.advance(2_000);
    expect(check.runs).toHaveLength(2);
    check.last.resolve(healthy);
    await clock.advance(0);
    expect(engine.check("slow")?.state.status).toBe("healthy");
  });

  it("keeps the facts of a run that honours its signal, and is no orphan then", async () => {
    const { clock, engine, sink } = createBench();
    const check = new ScriptedCheck(
      clock,
      ({ signal }) =>
        new Promise((_, reject) => {
          const failure = new CheckFailure("network", "gone", { facts: { connect_ms: 3 } });
          signal.addEventListener("abort", () => reject(failure));
        }),
    );
    engine.add(registered("polite", check, { timeoutMs: 1_000 }));
    engine.start();
    await clock.advance(1_000);
    expect(sink.runs[0]).toMatchObject({ reason: "timeout", facts: { connect_ms: 3 } });
    expect(sink.orphans).toBe(0);
  });

  it("calls a success after the deadline a timeout", async () => {
    const { clock, engine, sink } = createBench();
    const check = new ScriptedCheck(clock);
    engine.add(registered("late", check, { timeoutMs: 1_000 }));
    engine.start();
    await clock.advance(1_010);
    check.last.resolve(healthy);
    await clock.advance(100);
    expect(sink.runs.map((record) => record.reason)).toEqual(["timeout"]);
  });

  it("does not delay healthy checks, however many hang", async () => {
    const { clock, engine } = createBench({ max: 2, perKind: {} });
    for (let index = 0; index < 10; index++) {
      engine.add(
        registered(`hung-${index}`, new ScriptedCheck(clock, never), { intervalMs: 10_000, timeoutMs: 9_000 }),
      );
    }
    const well = new ScriptedCheck(clock, () => healthy);
    engine.add(registered("well", well, { intervalMs: 1_000, timeoutMs: 500 }));
    engine.start();
    await clock.advance(60_000);
    expect(well.runs.length).toBeGreaterThan(50);
    expect(well.gapsMs.slice(12).every((gap) => gap === 1_000)).toBe(true);
  });
});

describe("isolation", () => {
  it.each([
    ["throws an error", () => Promise.reject(new TypeError("password=hunter2"))],
    [
      "throws synchronously",
      (() => {
        throw "nonsense";
      }) as () => Promise<Outcome>,
    ],
    ["returns nonsense", () => Promise.resolve(42 as unknown as Outcome)],
    ["returns an unknown verdict", () => Promise.resolve({ status: "great" } as unknown as Outcome)],
    ["returns nothing", () => Promise.resolve(undefined as unknown as Outcome)],
  ])("a check that %s is an internal failure of its own, and says nothing of what it threw", async (_, run) => {
    const { clock, engine, sink } = createBench();
    const well = new ScriptedCheck(clock, () => healthy);
    engine.add(registered("broken", { run }));
    engine.add(registered("well", well));
    engine.start();
    await clock.advance(2_000);
    const broken = sink.runs.find((record) => record.check.policy.name === "broken");
    expect(broken).toMatchObject({ outcome: "unhealthy", reason: "internal" });
    expect(JSON.stringify(broken)).not.toContain("hunter2");
    expect(well.runs).toHaveLength(1);
  });

  it("leaves out facts that are no facts", async () => {
    const { clock, engine, sink } = createBench();
    const facts = { good: 1, nan: Number.NaN, text: "a\u001b[31mb", fn: () => 1 } as unknown as Outcome["facts"];
    engine.add(registered("odd", { run: async () => ({ status: "healthy", ...(facts && { facts }) }) }));
    engine.start();
    await clock.advance(0);
    expect(sink.runs[0]?.facts).toEqual({ good: 1, text: "a [31mb" });
  });
});

it("takes the secrets out of the client's own words before anybody is told of a change", async () => {
  const { clock, engine, changes } = createBench({ max: 256, perKind: {} }, createScrubber(["hunter2"]));
  const detail = "password hunter2 was refused";
  engine.add(registered("db", { run: () => Promise.reject(new CheckFailure("auth", "refused", { detail })) }));
  engine.start();
  await clock.advance(0);
  expect(changes.map((change) => change.detail)).toEqual(["password *** was refused"]);
});

describe("single flight", () => {
  it("joins whoever asks to the run that is under way", async () => {
    const { clock, engine } = createBench();
    const check = new ScriptedCheck(clock);
    engine.add(registered("db", check));
    const both = Promise.all([engine.runOnce("db"), engine.runOnce("db")]);
    await clock.advance(10);
    expect(check.runs).toHaveLength(1);
    check.last.resolve(healthy);
    await both;
  });

  it("refuses a name that does not exist", async () => {
    await expect(createBench().engine.runOnce("nobody")).rejects.toThrow("no check is named nobody");
  });
});

describe("removing and replacing", () => {
  it("tells of a removed check's end, ends its run, and closes it once the run has settled", async () => {
    const { clock, engine, changes } = createBench();
    const check = new ScriptedCheck(clock);
    engine.add(registered("db", check, { intervalMs: 1_000, timeoutMs: 900 }));
    engine.start();
    await clock.advance(0);
    check.last.resolve(healthy);
    await clock.advance(2_000);
    const open = check.last;
    engine.remove("db");
    expect(changes.at(-1)).toMatchObject({ from: "healthy", to: "unknown", message: "the check was removed" });
    expect(open.run.signal.aborted).toBe(true);
    expect(check.closed).toBe(0);
    open.reject(open.run.signal.reason);
    await clock.advance(10);
    expect(check.closed).toBe(1);
    const runs = check.runs.length;
    await clock.advance(5_000);
    expect(check.runs).toHaveLength(runs);
  });

  it("keeps the state of a re-created check until its first result, which counts at once", async () => {
    const { clock, engine, changes } = createBench();
    engine.add(registered("db", new ScriptedCheck(clock, () => healthy)));
    engine.start();
    await clock.advance(0);
    engine.add(registered("db", new ScriptedCheck(clock, refused), { failureThreshold: 5 }));
    expect(engine.check("db")?.state.status).toBe("healthy");
    await clock.advance(10);
    expect(engine.check("db")?.state.status).toBe("unhealthy");
    expect(changes.map(({ from, to }) => [from, to])).toEqual([
      ["unknown", "healthy"],
      ["healthy", "unhealthy"],
    ]);
  });

  it("keeps connection and state when only the policy changes", async () => {
    const { clock, engine, sink } = createBench();
    const check = new ScriptedCheck(clock, () => healthy);
    const first = registered("db", check, { intervalMs: 60_000 });
    engine.add(first);
    engine.start();
    await clock.advance(0);
    engine.repolicy("db", { ...first.identity.policy, intervalMs: 1_000, timeoutMs: 500 });
    await clock.advance(5_000);
    expect(check.runs.length).toBeGreaterThanOrEqual(5);
    expect(check.closed).toBe(0);
    expect(sink.removedChecks).toEqual(["db"]);
    expect(sink.added).toEqual(["db", "db"]);
  });
});

describe("staleness", () => {
  it("turns a check unknown when it has had no result for three intervals", async () => {
    const { clock, engine, changes } = createBench({ max: 256, perKind: { scripted: 1 } });
    const hog = new ScriptedCheck(clock);
    engine.add(registered("hog", hog, { intervalMs: 60_000, timeoutMs: 50_000 }));
    const starved = new ScriptedCheck(clock, () => healthy);
    engine.add(registered("starved", starved, { intervalMs: 1_000, timeoutMs: 500 }));
    await Promise.all([engine.runOnce("starved"), clock.advance(0)]);
    engine.start();
    await clock.advance(10_000);
    expect(hog.runs).toHaveLength(1);
    expect(changes.map(({ check, to }) => `${check.policy.name} ${to}`)).toEqual([
      "starved healthy",
      "starved unknown",
    ]);
  });

  it("does not call anything stale over a stall of our own loop", async () => {
    const { clock, engine, changes } = createBench();
    engine.add(registered("db", new ScriptedCheck(clock, () => healthy), { intervalMs: 5_000, timeoutMs: 500 }));
    engine.start();
    await clock.advance(10_500);
    clock.stall(30_000);
    await clock.advance(6_000);
    expect(changes.map(({ to }) => to)).toEqual(["healthy"]);
  });
});

describe("stopping", () => {
  it("ends every run, closes every check, and leaves no timer behind", async () => {
    const { clock, engine } = createBench();
    const checks = [new ScriptedCheck(clock), new ScriptedCheck(clock, () => healthy)];
    for (const [index, check] of checks.entries()) engine.add(registered(`check-${index}`, check));
    engine.start();
    await clock.advance(2_000);
    const stopped = engine.stop(1_000);
    checks[0]?.last.reject(new Error("aborted"));
    await clock.advance(0);
    await stopped;
    expect(checks.map((check) => check.closed)).toEqual([1, 1]);
    expect(clock.pending).toBe(0);
  });

  it("does not wait longer than its limit for a check that never settles", async () => {
    const { clock, engine } = createBench();
    engine.add(registered("hung", new ScriptedCheck(clock, never)));
    engine.start();
    await clock.advance(100);
    let hasStopped = false;
    const stopped = engine.stop(1_000).then(() => {
      hasStopped = true;
    });
    await clock.advance(999);
    expect(hasStopped).toBe(false);
    await clock.advance(1);
    await stopped;
  });
});

describe("liveness of the scheduler", () => {
  it("is lost when something has been due for a minute and nothing was dispatched", async () => {
    const { clock, engine } = createBench();
    engine.add(registered("db", new ScriptedCheck(clock, () => healthy), { intervalMs: 1_000, timeoutMs: 500 }));
    engine.start();
    await clock.advance(10_000);
    clock.stall(59_000);
    expect(engine.isAlive).toBe(true);
    clock.stall(3_000);
    expect(engine.isAlive).toBe(false);
    await clock.advance(1_000);
    expect(engine.isAlive).toBe(true);
  });
});
