import { describe, expect, it } from "vitest";
import { CheckFailure, type CheckRun } from "../../src/check.js";
import { ActiveRun } from "../../src/engine/active-run.js";
import { RunCancellation } from "../../src/engine/cancellation.js";
import { Deadlines } from "../../src/engine/deadlines.js";
import { FakeClock } from "./fake-clock.js";

const reason = new CheckFailure("timeout", "no answer");

describe("a run's cancellation", () => {
  it("tells its listeners once, with the first reason, and none that has left", () => {
    const cancellation = new RunCancellation();
    const heard: string[] = [];
    const left = () => heard.push("left");
    cancellation.addEventListener("abort", () => heard.push("stayed"));
    cancellation.addEventListener("abort", left);
    cancellation.removeEventListener("abort", left);
    expect(() => cancellation.throwIfAborted()).not.toThrow();
    cancellation.abort(reason);
    cancellation.abort(new Error("later"));
    expect(heard).toEqual(["stayed"]);
    expect(cancellation.reason).toBe(reason);
    expect(() => cancellation.throwIfAborted()).toThrow(reason);
  });

  it.each(["before", "after"])("is a real signal for who asks %s the end, and the same one again", (when) => {
    const cancellation = new RunCancellation();
    const early = when === "before" ? cancellation.signal : undefined;
    cancellation.abort(reason);
    const { signal } = cancellation;
    expect(signal).toBeInstanceOf(AbortSignal);
    if (early) expect(signal).toBe(early);
    expect(cancellation.signal).toBe(signal);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(reason);
  });

  it("reaches a check through a copy of its run as well", () => {
    let copy: CheckRun | undefined;
    const run = new ActiveRun({
      check: {
        run: (given) => {
          copy = { ...given };
          return new Promise(() => undefined);
        },
      },
      timeoutMs: 1_000,
      span: { client: () => Promise.reject(reason), within: (work) => work(), finish: () => undefined },
      deadlines: new Deadlines(new FakeClock()),
      onLong: () => undefined,
      onEnd: () => undefined,
      onOrphanSettled: () => undefined,
    });
    run.begin();
    expect(copy?.signal.aborted).toBe(false);
    expect(copy?.timeoutMs).toBe(1_000);
    run.abort(reason);
    expect(copy?.signal.reason).toBe(reason);
    expect(copy?.cancellation?.reason).toBe(reason);
  });
});
