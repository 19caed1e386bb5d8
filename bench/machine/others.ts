import { pause } from "./interruption.js";
import { machineCpuSeconds } from "./processes.js";

const sampleMs = 1_000;
const waitAtMostMs = 120_000;

/** What the machine does while nothing of ours works, % of a core. */
export async function othersPercent(): Promise<number> {
  const [before, startMs] = [machineCpuSeconds(), performance.now()];
  await pause(sampleMs);
  return (100 * (machineCpuSeconds() - before) * 1_000) / (performance.now() - startMs);
}

/** Waits, two minutes at most, until others use less than this much of a core. */
export async function quietMachine(percent: number): Promise<void> {
  const startMs = performance.now();
  while ((await othersPercent()) >= percent && performance.now() - startMs < waitAtMostMs);
}
