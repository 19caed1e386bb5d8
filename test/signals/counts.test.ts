import { describe, expect, it } from "vitest";
import { durationBoundsSeconds } from "../../src/semconv.js";
import { type CheckCount, CheckCounts, type Tally } from "../../src/signals/counts.js";
import { identity, record, without } from "./records.js";

const only = (counts: CheckCounts): CheckCount => {
  const [count] = [...counts.checks()];
  if (!count) throw new Error("no check is counted");
  return count;
};
const values = (tallies: Iterable<Tally>): unknown =>
  Object.fromEntries([...tallies].map(({ attributes, value }) => [Object.values(attributes).join(" "), value]));

describe("counts", () => {
  it("begin at 0 for runs by outcome and transitions by new state, and with nothing else", () => {
    const counts = new CheckCounts();
    counts.checkAdded(identity("db"), "unknown");
    const count = only(counts);
    expect(values(count.runs.values())).toEqual({
      "db http healthy": 0,
      "db http degraded": 0,
      "db http unhealthy": 0,
    });
    expect(values(Object.values(count.transitions))).toEqual({
      "db http healthy": 0,
      "db http degraded": 0,
      "db http unhealthy": 0,
      "db http unknown": 0,
    });
    expect(count.durations.size).toBe(0);
    expect(count.orphanedRuns).toBeUndefined();
    expect(count.lastSuccessMs).toBeUndefined();
  });

  it("put a duration into the bucket whose inclusive upper bound it does not exceed", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    for (const durationMs of [1, 1.01, 60_000, 60_001]) counts.run(record(check, { durationMs }));
    const [duration] = [...only(counts).durations.values()];
    expect(duration?.counts).toEqual([1, 1, ...new Array(durationBoundsSeconds.length - 3).fill(0), 1, 1]);
    expect(duration?.count).toBe(4);
    expect(duration?.sum).toBeCloseTo(120.00301);
  });

  it("give only unhealthy runs an error.type; a degraded run has a reason, and is no failure", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { outcome: "unhealthy", reason: "refused" }));
    counts.run(record(check, { outcome: "degraded", reason: "threshold" }));
    const count = only(counts);
    expect(values(count.runs.values())).toMatchObject({ "db http unhealthy refused": 1, "db http degraded": 1 });
    expect([...count.durations.keys()].map((attributes) => attributes["error.type"])).toEqual(["refused", undefined]);
  });

  it("count no run, and no duration, for a tick that could not run", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "healthy");
    const tick = record(check, {
      outcome: "unhealthy",
      reason: "timeout",
      previousStatus: "healthy",
      status: "unhealthy",
    });
    counts.run(without(tick, "durationMs") as typeof tick);
    const count = only(counts);
    expect(values(count.runs.values())).toEqual({
      "db http healthy": 0,
      "db http degraded": 0,
      "db http unhealthy": 0,
    });
    expect(count.durations.size).toBe(0);
    expect(count.transitions.unhealthy.value).toBe(1);
    expect(count.status).toBe("unhealthy");
  });

  it("count no transition for the first result, and one for the first after the check was stale", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.run(record(check));
    expect(only(counts).transitions.healthy.value).toBe(0);
    counts.checkStatus(check, "unknown");
    expect(only(counts).transitions.unknown.value).toBe(1);
    counts.run(record(check));
    expect(only(counts).transitions.healthy.value).toBe(1);
  });

  it("count the first result of a check whose state was carried over a reload", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "healthy", 5_000);
    expect(only(counts).lastSuccessMs).toBe(5_000);
    counts.run(record(check, { outcome: "unhealthy", reason: "dns", previousStatus: "healthy", status: "unhealthy" }));
    expect(only(counts).transitions.unhealthy.value).toBe(1);
  });

  it("keep the latest kept trace of each bucket, and leave a dropped one out", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { traceId: "a".repeat(32), spanId: "1".repeat(16), durationMs: 7 }));
    counts.run(record(check, { traceId: "b".repeat(32), spanId: "2".repeat(16), durationMs: 8, atMs: 2_000 }));
    counts.run(record(check, { durationMs: 9 }));
    const [duration] = [...only(counts).durations.values()];
    expect(duration?.exemplars[3]).toEqual({
      traceId: "b".repeat(32),
      spanId: "2".repeat(16),
      value: 0.008,
      atMs: 2_000,
    });
  });

  it("forget the facts of a check that went stale", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { facts: { rows: 3 } }));
    expect(only(counts).facts).toEqual({ rows: 3 });
    counts.checkStatus(check, "unknown");
    expect(only(counts).facts).toEqual({});
  });

  it("let go of a removed check, and ignore what still comes of it", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.checkRemoved(check);
    counts.run(record(check));
    counts.orphaned(check);
    counts.checkStatus(check, "unknown");
    expect([...counts.checks()]).toEqual([]);
  });

  it("do not let the end of a replaced check take its successor away", () => {
    const counts = new CheckCounts();
    const [before, after] = [identity("db"), identity("db")];
    counts.checkAdded(before, "unknown");
    counts.checkAdded(after, "healthy");
    counts.checkRemoved(before);
    counts.run(record(before));
    expect(only(counts).check).toBe(after);
    expect(values(only(counts).runs.values())).toMatchObject({ "db http healthy": 0 });
  });

  it("build each attribute set once, however many runs there are", () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    for (let run = 0; run < 50; run += 1) counts.run(record(check, { outcome: "unhealthy", reason: "tls" }));
    expect(only(counts).runs.size).toBe(4);
    expect(only(counts).durations.size).toBe(1);
  });
});
