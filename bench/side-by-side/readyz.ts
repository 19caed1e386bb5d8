import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { loadNow } from "../machine/conditions.js";
import { pause, stopProcess } from "../machine/interruption.js";
import { median } from "../machine/summary.js";
import { coresOf } from "./cores.js";
import type { Measured } from "./measure-load.js";
import { RunningSystem } from "./running-system.js";
import type { Load } from "./scenarios.js";
import { BenchSurroundings } from "./surroundings.js";
import type { System } from "./systems/system.js";

const healthy = (checks: number): Load => ({ kind: "http", checks, intervalMs: 1_000, timeoutMs: 900 });
const idle: readonly Load[] = [healthy(50)];
/** A fifth of the targets never answers in time. */
const hanging: readonly Load[] = [healthy(40), { ...healthy(10), isHanging: true }];
const connections = 10;
const seconds = 3;
const rounds = 3;

interface Answered {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/**
 * `/readyz` beside an Express route that sends the very same bytes, on the same core, in turn; then while checks hang.
 * Other systems have no such probe.
 */
export async function measureReadyz(system: System): Promise<Measured> {
  if (system.node === undefined) return { cannot: "it has no readiness probe of the service" };
  const { node } = system;
  const [ours, express] = await withAgent(system, idle, async (url) => {
    const body = await (await fetch(url)).text();
    return withExpress({ node, body }, async (constant) => {
      const figures: [Answered[], Answered[]] = [[], []];
      for (let round = 0; round < rounds; round += 1) {
        figures[0].push(await ask(url));
        figures[1].push(await ask(constant));
      }
      return figures;
    });
  });
  const stuck = await withAgent(system, hanging, async (url) => {
    const figures: Answered[] = [];
    for (let round = 0; round < rounds; round += 1) {
      // As old as the other agent was each time it was asked: V8 compiles meanwhile.
      if (round > 0) await pause(seconds * 1_000);
      figures.push(await ask(url));
    }
    return figures;
  });
  const perSecond = median(ours.map((one) => one.perSecond));
  const expressPerSecond = median(express.map((one) => one.perSecond));
  const p99 = (of: readonly Answered[]): number => median(of.map(({ p99Ms }) => p99Ms));
  const share = { perSecond, expressPerSecond, shareOfExpress: (100 * perSecond) / expressPerSecond };
  return { cores: 1, load: loadNow(), figures: { ...share, p99IdleMs: p99(ours), p99HangingMs: p99(stuck) } };
}

async function withAgent<Result>(system: System, loads: readonly Load[], use: (url: string) => Promise<Result>) {
  const surroundings = await BenchSurroundings.create(loads);
  let running: RunningSystem | undefined;
  try {
    const plan = await system.plan(surroundings);
    running = await RunningSystem.start(plan, { folder: surroundings.folder, cores: 1 });
    await pause(5_000);
    return await use(new URL("/readyz", plan.metricsUrl).href);
  } finally {
    await running?.stop();
    await surroundings.remove();
  }
}

async function withExpress<Result>(
  { node, body }: { readonly node: string; readonly body: string },
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const program = fileURLToPath(new URL("express-constant.mjs", import.meta.url));
  const child = fork(program, [body], {
    execPath: "taskset",
    execArgv: ["-c", coresOf(1), node],
  });
  try {
    const [port] = (await once(child, "message")) as [number];
    return await use(`http://127.0.0.1:${port}/readyz`);
  } finally {
    await stopProcess(child);
  }
}

async function ask(url: string): Promise<Answered> {
  await pause(0);
  const result = await autocannon({ url, connections, duration: seconds });
  // Checks that hang make the service unhealthy, and `/readyz` says so by 503.
  if (result.errors > 0) throw new Error(`${url}: ${result.errors} errors`);
  return { perSecond: result.requests.average, p99Ms: result.latency.p99 };
}
