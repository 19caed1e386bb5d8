import { expect, it } from "vitest";
import { CheckFailure, type CheckPolicy, type PolicyOptions } from "../../src/check.js";
import { createBench, registered, ScriptedCheck } from "../engine/fixtures.js";

const healthy = { status: "healthy" } as const;
const policy = (own: PolicyOptions): CheckPolicy => registered("db", { run: async () => healthy }, own).identity.policy;

it("a new interval postpones no run that was due sooner", async () => {
  const { clock, engine } = createBench();
  const check = new ScriptedCheck(clock, () => {
    throw new CheckFailure("refused", "no");
  });
  engine.add(registered("db", check, { intervalMs: 600_000, timeoutMs: 1_000, failingIntervalMs: 5_000 }));
  engine.start();
  await clock.advance(6_000);
  expect(check.runs).toHaveLength(2);
  engine.repolicy("db", policy({ intervalMs: 300_000, timeoutMs: 1_000, failingIntervalMs: 5_000 }));
  await clock.advance(5_000);
  expect(check.runs).toHaveLength(3);
});

it("a longer interval finds the phase that the check would have had from the start", async () => {
  const fresh = createBench();
  const reloaded = createBench();
  const checks = [fresh, reloaded].map(({ clock }) => new ScriptedCheck(clock, () => healthy));
  fresh.engine.add(registered("db", checks[0] as ScriptedCheck, { intervalMs: 60_000 }));
  reloaded.engine.add(registered("db", checks[1] as ScriptedCheck, { intervalMs: 10_000 }));
  for (const { engine } of [fresh, reloaded]) engine.start();
  await reloaded.clock.advance(25_000);
  reloaded.engine.repolicy("db", policy({ intervalMs: 60_000 }));
  await reloaded.clock.advance(575_000);
  await fresh.clock.advance(600_000);
  expect(checks[1]?.last.atMs).toBe(checks[0]?.last.atMs);
});

it("a success that somebody asked for ends the wait that the target asked for", async () => {
  const { clock, engine, sink } = createBench();
  const check = new ScriptedCheck(clock, (_, count) => {
    if (count > 1) return healthy;
    throw new CheckFailure("overloaded", "asked to wait", { retryAfterMs: 600_000 });
  });
  engine.add(registered("api", check, { intervalMs: 30_000 }));
  engine.start();
  await clock.advance(1_000);
  void engine.runOnce("api");
  await clock.advance(60_000);
  expect(sink.runs.slice(1).map((record) => record.outcome)).not.toContain("unhealthy");
  expect(check.runs.length).toBeGreaterThan(2);
});
