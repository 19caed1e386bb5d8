import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPolicy, type Outcome, verdicts } from "../../src/check.js";
import { Census } from "../../src/health/census.js";
import { createBench, registered, ScriptedCheck } from "./fixtures.js";

const names = ["a", "b", "c"] as const;
const own = { intervalMs: 10_000, timeoutMs: 1_000, failureThreshold: 1, successThreshold: 1 };
const policyOf = (name: string, critical: boolean) =>
  createPolicy(name, { kind: "scripted", defaults: own }, { critical });
const step = fc.record({
  does: fc.constantFrom("add", "remove", "repolicy", "run", "run", "run", "goStale"),
  name: fc.constantFrom(...names),
  critical: fc.boolean(),
  status: fc.constantFrom(...verdicts),
});

describe("the engine's census", () => {
  it("says after every change what asking all checks says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const perKind: Record<string, number> = {};
        const { clock, engine } = createBench({ max: 256, perKind });
        let answer: Outcome = { status: "healthy" };
        engine.start();
        for (const { does, name, critical, status } of steps) {
          const isThere = engine.check(name) !== undefined;
          answer = { status, message: "so it is" };
          if (does === "add") {
            engine.add(registered(name, new ScriptedCheck(clock, () => answer), { ...own, critical }));
          } else if (does === "remove") engine.remove(name);
          else if (does === "repolicy") engine.repolicy(name, policyOf(name, critical));
          else if (does === "run" && isThere) {
            // While others of the kind hold it up it has no result to wait for.
            void engine.runOnce(name);
            await clock.advance(0);
          } else if (does === "goStale") {
            perKind.scripted = 0;
            await clock.advance(35_000);
            delete perKind.scripted;
          }
          expect({ ...engine.census }).toEqual({ ...Census.of(engine.checkList) });
        }
        await engine.stop(0);
      }),
      { numRuns: 60 },
    );
  });
});
