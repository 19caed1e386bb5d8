import { loadNow } from "../machine/conditions.js";
import { isInterrupted, pause } from "../machine/interruption.js";
import { machineCpuSeconds } from "../machine/processes.js";
import { median } from "../machine/summary.js";
import type { Figures } from "./figures.js";
import type { Row } from "./row.js";
import { RunningSystem, statusOf } from "./running-system.js";
import type { LoadScenario } from "./scenarios.js";
import { BenchSurroundings, keyPrefix } from "./surroundings.js";
import type { System } from "./systems/system.js";

export type Measured = Omit<Row, "scenario" | "system" | "round" | "at">;

const scrapeEveryMs = 15_000;
/** After a start, and after a stall: what was held back has come by then. */
const burstWatchMs = 10_000;
const burstWidthMs = 10;

/** One system through one load, watched from outside. */
export async function measureLoad(system: System, scenario: LoadScenario, windowSeconds: number): Promise<Measured> {
  const surroundings = await BenchSurroundings.create(scenario.loads);
  let running: RunningSystem | undefined;
  try {
    const cannot = system.cannot(surroundings.checks);
    if (cannot !== undefined) return { cannot };
    const cores = scenario.cores?.[system.name] ?? 1;
    const settleSeconds = scenario.settleSeconds ?? 0;
    const plan = await system.plan(surroundings);
    const beganMs = await surroundings.target.ask("now");
    running = await RunningSystem.start(plan, { folder: surroundings.folder, cores });
    await pause((plan.warmUpSeconds + settleSeconds) * 1_000);
    const watch = new Watch(running, surroundings, scenario);
    const watched = await watch.window(windowSeconds);
    running.mustLive();
    const burstStart = await watch.burst(beganMs);
    const burstStall = scenario.stallSeconds && (await watch.stall(scenario.stallSeconds));
    const bursts = scenario.loads[0].kind === "postgres" ? {} : { burstStart, ...(burstStall && { burstStall }) };
    const conditions = { cores, windowSeconds, ...(settleSeconds > 0 && { settleSeconds }), load: loadNow() };
    return { ...conditions, ...watched, figures: { ...watched.figures, ...bursts } };
  } finally {
    await running?.stop();
    await surroundings.remove();
  }
}

/** What can be seen of a system while it runs a load. */
class Watch {
  private readonly scrapesMs: number[] = [];

  constructor(
    private readonly running: RunningSystem,
    private readonly surroundings: BenchSurroundings,
    private readonly scenario: LoadScenario,
  ) {}

  async window(seconds: number): Promise<{ readonly othersPercent: number; readonly figures: Figures }> {
    const shortestMs = Math.min(...this.scenario.loads.map(({ intervalMs }) => intervalMs));
    const before = await this.look();
    const scraper = setInterval(() => void this.scrape(), scrapeEveryMs);
    try {
      // Half an interval more, so that as many runs are expected of every check.
      await pause(seconds * 1_000 + Math.min(shortestMs, 10_000) / 2);
    } finally {
      clearInterval(scraper);
    }
    return this.compare(before, await this.look());
  }

  /** The most starts within 10 ms, in the first seconds after the first one from then on. */
  burst(fromMs: number): Promise<number> {
    return this.surroundings.target.ask("burst", { fromMs, forMs: burstWatchMs, widthMs: burstWidthMs });
  }

  /** All its processes stand still for a while, as in a suspended container. */
  async stall(seconds: number): Promise<number> {
    this.running.signal("SIGSTOP");
    try {
      await pause(seconds * 1_000);
    } finally {
      this.running.signal("SIGCONT");
    }
    const goesOnMs = await this.surroundings.target.ask("now");
    await pause(burstWatchMs);
    return this.burst(goesOnMs);
  }

  private async scrape(): Promise<void> {
    const { metricsUrl } = this.running.plan;
    if (metricsUrl === undefined) return;
    const startMs = performance.now();
    const status = await statusOf(metricsUrl);
    if (status === 200 && !isInterrupted()) this.scrapesMs.push(performance.now() - startMs);
  }

  private async look(): Promise<Look> {
    return {
      atMs: await this.surroundings.target.ask("now"),
      system: this.running.usage,
      aroundSeconds: this.surroundings.cpuSeconds,
      machineSeconds: machineCpuSeconds(),
      sessions: await this.surroundings.sessions(),
    };
  }

  private async compare(before: Look, after: Look): Promise<{ othersPercent: number; figures: Figures }> {
    const seconds = (after.atMs - before.atMs) / 1_000;
    const percent = (cpu: number): number => (100 * cpu) / seconds;
    const cpu = after.system.cpuSeconds - before.system.cpuSeconds;
    const around = after.aroundSeconds - before.aroundSeconds;
    const others = after.machineSeconds - before.machineSeconds - cpu - around;
    const { probes, ...regularity } = await this.regularity(before, after);
    const figures = {
      cpuPercent: percent(cpu),
      ...(probes > 0 && { usPerProbe: (1e6 * cpu) / probes }),
      rssMb: after.system.rssBytes / 1e6,
      ...regularity,
      ...(this.scrapesMs.length > 0 && { scrapeMs: median(this.scrapesMs) }),
    };
    return { othersPercent: Math.max(0, percent(others)), figures };
  }

  /** Of the first load, the healthy one; probes are those of all loads. */
  private async regularity(before: Look, after: Look): Promise<Figures & { readonly probes: number }> {
    const { loads } = this.scenario;
    if (before.sessions !== undefined && after.sessions !== undefined) {
      // One of them was our own question.
      const probes = after.sessions - before.sessions - 1;
      const { checks, intervalMs } = loads[0];
      const expected = checks * Math.floor((after.atMs - before.atMs) / intervalMs);
      return { probes, missed: Math.max(0, expected - probes) };
    }
    const window = { fromMs: before.atMs, toMs: after.atMs };
    const ask = (load: LoadScenario["loads"][number]) =>
      this.surroundings.target.ask("seen", { ...window, ...load, prefix: keyPrefix(load) });
    const { count: _, ...first } = await ask(loads[0]);
    let probes = 0;
    for (const load of loads) probes += (await ask(load)).count;
    const hasGaps = first.p50 !== null && Number.isFinite(first.p50);
    return hasGaps ? { probes, ...first } : { probes, missed: first.missed };
  }
}

interface Look {
  readonly atMs: number;
  readonly system: { readonly cpuSeconds: number; readonly rssBytes: number };
  readonly aroundSeconds: number;
  readonly machineSeconds: number;
  readonly sessions: number | undefined;
}
