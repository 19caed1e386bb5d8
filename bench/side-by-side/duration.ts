import type { Scenario } from "./scenarios.js";

/** Start, warm-up and stop of a load; a stall and what comes after it; the others as a whole. */
const aroundSeconds = { load: 22, stall: 11, start: 18, readyz: 52, inside: 25 };

/** About how long one round takes. Fewer systems take part in some: it is a limit more than a forecast. */
export function secondsOf(scenarios: readonly Scenario[], systems: number, seconds: string | undefined): number {
  const one = (scenario: Scenario): number => {
    if (scenario.measures === "start") return aroundSeconds.start * systems;
    // Only ours.
    if (scenario.measures !== "load") return aroundSeconds[scenario.measures];
    const stall = scenario.stallSeconds ? scenario.stallSeconds + aroundSeconds.stall : 0;
    const settle = scenario.settleSeconds ?? 0;
    return (aroundSeconds.load + settle + Number(seconds ?? scenario.windowSeconds) + stall) * systems;
  };
  return scenarios.reduce((sum, scenario) => sum + one(scenario), 0);
}
