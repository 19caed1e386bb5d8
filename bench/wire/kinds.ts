import { startAgent } from "../../src/agent.js";
import { loadConfig } from "../../src/config/load-config.js";
import type { Log } from "../../src/log.js";
import { type OtlpSignal, startOtlpSink } from "../../test/servers/otlp-sink.js";

export const protocols = ["http/json", "http/protobuf"] as const;
export type Protocol = (typeof protocols)[number];

/** What one check of a kind costs on the wire, in bytes without HTTP heads, uncompressed. */
export interface WireCost {
  readonly series: number;
  /** Its lines of `/metrics`. */
  readonly text: number;
  readonly openmetrics: number;
  readonly spansPerRun: number;
  readonly otlp: Readonly<Record<Protocol, OtlpCost>>;
}
export interface OtlpCost {
  /** Traces, a run. */
  readonly run: number;
  /** Metrics, a check and export: what one more check adds. */
  readonly collection: number;
  /** Logs, a state-change event. */
  readonly event: number;
}

type CheckOptions = Readonly<Record<string, unknown>>;
const few = 1;
const many = 11;
const runsPerCheck = 5;

export async function measureWire(check: CheckOptions): Promise<WireCost> {
  const costs = {} as Record<Protocol, OtlpCost>;
  let last: Sent | undefined;
  for (const protocol of protocols) {
    const one = await send(check, few, protocol);
    const all = await send(check, many, protocol);
    costs[protocol] = {
      run: all.bytes.traces / all.runs,
      collection: (all.bytes.metrics - one.bytes.metrics) / (many - few),
      event: all.bytes.logs / all.events,
    };
    last = all;
  }
  if (!last) throw new Error("there is no protocol");
  return {
    series: last.text.lines / many,
    text: last.text.bytes / many,
    openmetrics: last.openmetrics.bytes / many,
    spansPerRun: last.spans / last.runs,
    otlp: costs,
  };
}

interface Page {
  readonly lines: number;
  readonly bytes: number;
}
interface Sent {
  readonly bytes: Record<OtlpSignal, number>;
  readonly runs: number;
  readonly spans: number;
  readonly events: number;
  readonly text: Page;
  readonly openmetrics: Page;
}

/** An agent whose batches leave when it stops: one request a signal, as under load. */
async function send(check: CheckOptions, count: number, protocol: Protocol): Promise<Sent> {
  const sink = await startOtlpSink();
  const names = Array.from({ length: count }, (_, index) => `check-${String(index).padStart(3, "0")}`);
  const agent = await startAgent({ config: configFor(names, check, sink.endpoint, protocol), log });
  for (let run = 0; run < runsPerCheck; run += 1) await agent.health.runOnce(names);
  const pages = { text: await page(agent.url, "text/plain"), openmetrics: await page(agent.url, openmetrics) };
  const runs = await countRuns(agent.url);
  await agent.stop({ drainDelayMs: 0 });
  const bytes = { traces: 0, metrics: 0, logs: 0 };
  for (const { signal, bytes: size } of sink.requests) bytes[signal] += size;
  const sent = { bytes, runs, spans: sink.spans.length, events: sink.logs.length, ...pages };
  await sink.close();
  return sent;
}

const openmetrics = "application/openmetrics-text; version=1.0.0";

/** The lines that belong to checks. */
async function page(url: string, accept: string): Promise<Page> {
  const text = await (await fetch(`${url}/metrics`, { headers: { accept } })).text();
  const lines = text.split("\n").filter((line) => line.includes('health_check_name="'));
  return { lines: lines.length, bytes: Buffer.byteLength(lines.join("\n")) + lines.length };
}

async function countRuns(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith("health_check_runs_total{"));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

const nothing = () => {};
const log: Log = { debug: nothing, info: nothing, warn: console.warn, error: console.error };

function configFor(names: readonly string[], check: CheckOptions, endpoint: string, protocol: Protocol) {
  /** A file in the working directory must not add to what is measured. */
  const absent = () => {
    throw new Error("there is no such file");
  };
  const loaded = loadConfig({
    disk: { read: absent, list: absent },
    env: { OTEL_BSP_SCHEDULE_DELAY: "3600000", OTEL_BLRP_SCHEDULE_DELAY: "3600000" },
    consents: ["--allow-exec"],
    withoutFiles: () => ({
      service: { name: "bench", version: "1.0.0", environment: "production" },
      server: { port: 0 },
      telemetry: { otlp: { endpoint, protocol }, metrics: { interval: "1h", timeout: "10s" } },
      checks: names.map((name) => ({ name, ...check, interval: "1h", timeout: "10s" })),
    }),
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}
