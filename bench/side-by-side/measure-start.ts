import { loadNow } from "../machine/conditions.js";
import { pause } from "../machine/interruption.js";
import { median } from "../machine/summary.js";
import type { Measured } from "./measure-load.js";
import { RunningSystem } from "./running-system.js";
import type { Load } from "./scenarios.js";
import { BenchSurroundings } from "./surroundings.js";
import type { System } from "./systems/system.js";

const tenChecks: Load = { kind: "http", checks: 10, intervalMs: 30_000, timeoutMs: 5_000 };
const starts = 9;

/** From the start of its process until it serves, and until all of it is up: medians of some starts on one core. */
export async function measureStart(system: System): Promise<Measured> {
  const times: RunningSystem[] = [];
  for (let start = 0; start < starts; start += 1) times.push(await startOnce(system));
  const of = (time: "aliveMs" | "upMs"): number => median(times.map((running) => running[time]));
  return { cores: 1, load: loadNow(), figures: { livezMs: of("aliveMs"), upMs: of("upMs") } };
}

async function startOnce(system: System): Promise<RunningSystem> {
  // Anew for each: nobody finds a folder or a cache of the start before.
  const surroundings = await BenchSurroundings.create([tenChecks]);
  try {
    const running = await RunningSystem.start(await system.plan(surroundings), {
      folder: surroundings.folder,
      cores: 1,
    });
    await running.stop();
    await pause(100);
    return running;
  } finally {
    await surroundings.remove();
  }
}
