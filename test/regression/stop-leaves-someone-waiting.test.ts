import { describe, expect, it } from "vitest";
import { createBench, registered, ScriptedCheck } from "../engine/fixtures.js";

const never = () => new Promise<never>(() => {});
const healthy = () => ({ status: "healthy" }) as const;

describe("stopping", () => {
  it("lets go whoever waits for a result that will not come", async () => {
    const { clock, engine } = createBench({ max: 1, perKind: {} });
    for (const name of ["a", "b"]) engine.add(registered(name, new ScriptedCheck(clock, never)));
    const waiting = Promise.all([engine.runOnce("a"), engine.runOnce("b")]);
    const stopping = engine.stop(100);
    await clock.advance(100);
    await expect(stopping).resolves.toBeUndefined();
    await expect(waiting).resolves.toBeDefined();
  });

  it("closes each check once, however often it is asked for", async () => {
    const { clock, engine } = createBench();
    const check = new ScriptedCheck(clock, healthy);
    engine.add(registered("a", check));
    await Promise.all([engine.stop(100), engine.stop(100)]);
    await engine.stop(100);
    expect(check.closed).toBe(1);
  });

  it("is for good: nothing runs afterwards, and what is added is closed", async () => {
    const { clock, engine } = createBench();
    const check = new ScriptedCheck(clock, healthy);
    engine.add(registered("a", check));
    await engine.stop(100);
    const late = new ScriptedCheck(clock, healthy);
    engine.add(registered("late", late));
    engine.start();
    await Promise.all([engine.runOnce("a"), engine.runOnce("late")]);
    await clock.advance(60_000);
    expect([check.runs.length, late.runs.length, late.closed]).toEqual([0, 0, 1]);
    expect(clock.pending).toBe(0);
  });

  it("frees the slot of a removed run that ignores its signal, and keeps no timer for it", async () => {
    const { clock, engine } = createBench({ max: 1, perKind: {} });
    engine.add(registered("hung", new ScriptedCheck(clock, never), { timeoutMs: 9_000 }));
    const next = new ScriptedCheck(clock, healthy);
    engine.add(registered("next", next));
    engine.start();
    await clock.advance(10);
    void engine.runOnce("next");
    expect(next.runs).toHaveLength(0);
    engine.remove("hung");
    await clock.advance(60);
    expect(next.runs).toHaveLength(1);
    const stopping = engine.stop(100);
    await clock.advance(100);
    await stopping;
    expect(clock.pending).toBe(0);
  });
});
