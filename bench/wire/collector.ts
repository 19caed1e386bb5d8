import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Agent, startAgent } from "../../scripts/stack/agent.js";
import { type Collector, startCollector } from "../../scripts/stack/collector.js";
import { NeutralTarget } from "../machine/neutral-target.js";
import { usageOf } from "../machine/processes.js";

export interface CollectorLoad {
  readonly checks: number;
  readonly intervalMs: number;
  readonly seconds: number;
  /** Share of the healthy runs' traces that the Collector keeps. */
  readonly keepHealthyPercent: number;
}

/** What the bundled Collector spends on one agent's runs. */
export interface CollectorCost {
  readonly runsPerSecond: number;
  readonly collectorCpuUsPerRun: number;
  readonly collectorRssMb: number;
  readonly agentCpuUsPerRun: number;
  /** From the Collector to the backends, as it sends them: compressed. */
  readonly bytesOnPerRun: number;
}

const warmUpMs = 15_000;

/** HTTP checks of one built agent, sent through a real Collector with the bundled configuration to a sink that keeps nothing. */
export async function measureCollector(load: CollectorLoad): Promise<CollectorCost> {
  const folder = mkdtempSync(join(tmpdir(), "healthspan-wire-"));
  const neutral = await NeutralTarget.start();
  let collector: Collector | undefined;
  let agent: Agent | undefined;
  try {
    const backend = neutral.sinkUrl;
    collector = await startCollector({
      folder,
      prometheusOtlp: backend,
      tracesOtlp: backend,
      env: { HEALTHSPAN_KEEP_HEALTHY_PERCENT: String(load.keepHealthyPercent) },
    });
    const config = join(folder, "healthspan.yaml");
    writeFileSync(config, JSON.stringify(configFor(load, neutral.ports.httpPort)));
    agent = await startAgent({ folder, configs: [config], otlp: collector.urls.otlp });
    await delay(warmUpMs);
    return await measure(load, agent, collector, neutral);
  } finally {
    await agent?.kill();
    await collector?.kill();
    neutral.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  { seconds }: CollectorLoad,
  agent: Agent,
  collector: Collector,
  neutral: NeutralTarget,
): Promise<CollectorCost> {
  const look = async () => ({
    runs: await countRuns(agent.url),
    bytesOn: (await neutral.ask("sink")).bytes,
    agent: usageOf([agent.pid]),
    collector: usageOf([collector.pid]),
  });
  const before = await look();
  await delay(seconds * 1_000);
  const after = await look();
  const runs = after.runs - before.runs;
  return {
    runsPerSecond: runs / seconds,
    collectorCpuUsPerRun: (1e6 * (after.collector.cpuSeconds - before.collector.cpuSeconds)) / runs,
    collectorRssMb: after.collector.rssBytes / 1e6,
    agentCpuUsPerRun: (1e6 * (after.agent.cpuSeconds - before.agent.cpuSeconds)) / runs,
    bytesOnPerRun: (after.bytesOn - before.bytesOn) / runs,
  };
}

async function countRuns(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith("health_check_runs_total{"));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

function configFor({ checks, intervalMs }: CollectorLoad, port: number): object {
  return {
    service: { name: "bench" },
    server: { port: "${env:HEALTHSPAN_PORT}" },
    telemetry: { otlp: { protocol: "http/protobuf" } },
    checks: Array.from({ length: checks }, (_, index) => ({
      name: `check-${String(index).padStart(5, "0")}`,
      kind: "http",
      url: `http://127.0.0.1:${port}/c/${index}`,
      interval: `${intervalMs}ms`,
      timeout: `${Math.min(5_000, intervalMs * 0.9)}ms`,
    })),
  };
}
