import { expect, it } from "vitest";
import type { PolicyOptions } from "../../src/check.js";
import { createBench, registered, ScriptedCheck } from "../engine/fixtures.js";

const healthy = () => ({ status: "healthy" }) as const;

async function running(own: PolicyOptions) {
  const bench = createBench();
  bench.engine.add(registered("db", new ScriptedCheck(bench.clock, healthy), own));
  bench.engine.start();
  await bench.clock.advance(own.intervalMs ?? 0);
  return { ...bench, status: () => bench.engine.check("db")?.state.status };
}

it("a wall clock that is stepped makes no check stale, neither forward nor back", async () => {
  const { clock, status, changes } = await running({ intervalMs: 30_000, timeoutMs: 1_000 });
  for (const stepMs of [3_600_000, -7_200_000]) {
    clock.stepWall(stepMs);
    await clock.advance(40_000);
    expect(status()).toBe("healthy");
  }
  expect(changes).toHaveLength(1);
});

it("a check that a reload makes faster is given the time to answer before it is stale", async () => {
  const { clock, engine, status, changes } = await running({ intervalMs: 3_600_000, timeoutMs: 1_000 });
  await clock.advance(1_000_000);
  const { identity } = registered("db", new ScriptedCheck(clock, healthy), { intervalMs: 5_000, timeoutMs: 1_000 });
  engine.repolicy("db", identity.policy);
  await clock.advance(2_000);
  engine.add({ ...registered("db", new ScriptedCheck(clock, healthy), { intervalMs: 2_000 }) });
  await clock.advance(60_000);
  expect(status()).toBe("healthy");
  expect(changes).toHaveLength(1);
});
