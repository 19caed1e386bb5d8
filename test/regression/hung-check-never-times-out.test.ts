import { describe, expect, it } from "vitest";
import { Deadlines } from "../../src/engine/deadlines.js";
import { FakeClock } from "../engine/fake-clock.js";
import { createBench, registered, ScriptedCheck } from "../engine/fixtures.js";

const never = () => new Promise<never>(() => {});

describe("a check that hangs alone", () => {
  // Its second deadline has the length of its first: 50 ms of grace after 50 ms, one second after the first second.
  it.each([50, 2_000])("ends at its deadline of %i ms", async (timeoutMs) => {
    const { clock, engine, sink } = createBench();
    engine.add(registered("hung", new ScriptedCheck(clock, never), { timeoutMs }));
    engine.start();
    await clock.advance(timeoutMs + 100);
    expect(sink.runs.map((record) => record.reason)).toEqual(["timeout"]);
    expect(sink.orphans).toBe(1);
  });
});

it("a deadline that begins when the last one of its length expires, expires too", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const expired: number[] = [];
  deadlines.add(100, () => {
    expired.push(clock.monotonic());
    deadlines.add(100, () => expired.push(clock.monotonic()));
  });
  await clock.advance(1_000);
  expect(expired).toEqual([100, 200]);
});

it("deadlines of many lengths all expire at their time, those met meanwhile never", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const late: number[] = [];
  let met = 0;
  for (let index = 0; index < 2_000; index++) {
    const lengthMs = 1 + ((index * 7_919) % 500);
    const deadline = deadlines.add(lengthMs, () => late.push(clock.monotonic() - lengthMs));
    if (index % 3 === 0) {
      deadlines.end(deadline);
      met++;
    }
  }
  await clock.advance(501);
  expect(late).toEqual(Array(2_000 - met).fill(0));
  expect(clock.pending).toBe(0);
});
