import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Target, targets } from "../../bench/kinds/servers.js";
import { freePort } from "../../scripts/stack/free-port.js";
import { until } from "../../scripts/stack/until.js";
import { type RunningAgent, startAgent } from "../../src/agent.js";
import { loadConfig } from "../../src/config/load-config.js";
import type { Log } from "../../src/log.js";
import { collectorItself } from "../house/known-names.js";
import { requireServer } from "../servers/available.js";
import { compare, nameOf, type SeriesSet, same, toSeriesSet } from "./series-of-ways.js";
import { startWays, type WayName, type Ways, wayNames } from "./ways.js";

/** Takes half a minute to start and says nothing by another way than the others do. */
const leftOut = "Milvus 2.3.5";
const needed = Object.entries(targets).filter(([name]) => name !== leftOut);
const servers = ["otelcol", "prometheus", "prometheus3"] as const;
const isComplete =
  servers.map(requireServer).every(Boolean) &&
  needed.map(([, { needs }]) => needs === undefined || requireServer(needs)).every(Boolean);

/** The time of the collection, and how often and fast it was scraped. */
const isAlive = (series: string): boolean =>
  nameOf(series) === "health_agent_heartbeat_seconds" || series.includes('"health_probe_name":"metrics"');
/** What only the Collector makes, of state-change events. */
const collectorsOwn = "health_check_event_unhealthy";

const nothing = () => {};
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** All run once and then rest for an hour, so that no value changes between the collections that are compared. */
const atRest = { interval: "1h", failingInterval: "1h", timeout: "10s" };

const awkwardChecks = [
  { name: "failing.one", kind: "http", url: "http://127.0.0.1:1/", critical: true, owner: 'te "a"\\b Ünï {x="y"}' },
  {
    name: "described",
    kind: "system",
    disks: ["/", "/dev/shm"],
    thresholds: {},
    owner: "payments",
    runbook: "https://runbooks.example/a?b=c&d",
    labels: { tier: "gold", region: 'eu west=1,"2"' },
  },
  { name: "degraded", kind: "system", thresholds: { memory_percent: { degraded: { above: 0 } } } },
];

describe.skipIf(!isComplete)("one agent's series by every way", () => {
  const folder = mkdtempSync(join(tmpdir(), "healthspan-names-"));
  const running: Target[] = [];
  let ways: Ways | undefined;
  let agent: RunningAgent | undefined;
  const sets = new Map<WayName, SeriesSet>();

  beforeAll(async () => {
    const port = await freePort();
    ways = await startWays(folder, `127.0.0.1:${port}`);
    running.push(...(await Promise.all(needed.map(([, target]) => target.start()))));
    agent = await start(port, ways.otlp, running);
    await rest(agent, ways);
    for (const way of wayNames) sets.set(way, withoutCollectorsOwn(toSeriesSet(await ways.series(way))));
  }, 120_000);

  afterAll(async () => {
    await agent?.stop({ drainDelayMs: 0 });
    await ways?.remove();
    await Promise.all(running.map((target) => target.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  it("are many, of every kind that was started, with failures, facts, labels and lists", () => {
    const text = [...(sets.get("text") ?? [])];
    expect(text.length).toBeGreaterThan(500);
    const names = new Set(text.map(([series]) => nameOf(series)));
    for (const name of [
      "health_check_status",
      "health_check_duration_seconds_bucket",
      "health_postgres_connections",
      "health_pgvector_hits",
      "health_redis_memory_used_bytes",
      "health_tls_certificate_time_left_seconds",
      "health_dns_answers",
      "health_system_disks_utilization_ratio",
      "health_exec_exit_code",
      "health_probe_requests_total",
      "health_telemetry_dropped_total",
    ])
      expect(names).toContain(name);
    const labels = text.map(([series]) => series).join("\n");
    expect(labels).toContain('"error_type":"refused"');
    expect(labels).toContain('"health_check_label_tier":"gold"');
    expect(labels).toContain('"health_check_item":"/dev/shm"');
  });

  it.each(wayNames.filter((way) => way !== "text"))(
    "are the same by text and by %s: names, labels and, at rest, values",
    (way) => {
      expect(compare(get("text"), get(way), isAlive)).toEqual(same);
    },
  );

  it("have one type and one help in every scrape, the Collector's too", async () => {
    const [text, openmetrics, pull] = await Promise.all(
      (["text", "openmetrics", "pull"] as const).map(async (way) => (await ways?.metadata(way)) ?? []),
    );
    expect(text?.length).toBeGreaterThan(40);
    expect(openmetrics).toEqual(text);
    expect(pull?.filter(({ metric }) => metric !== collectorsOwn)).toEqual(text);
  });

  it("have beside them, by the Collector only, what it makes of events", async () => {
    for (const way of ["otlp", "pull", "remote-write"] as const) {
      const made = toSeriesSet((await ways?.series(way)) ?? []);
      const events = [...made.keys()].filter((series) => nameOf(series) === collectorsOwn);
      expect(events.length, way).toBe(
        awkwardChecks.length + running.flatMap(({ checks }) => Object.keys(checks)).length,
      );
    }
  });

  it("would not be the same if one name, label or value differed", () => {
    const text = get("text");
    const [series, value] = [...text].find(([name]) => nameOf(name) === "health_check_status") ?? ["", 0];
    const changed = (identity: string, to: number): SeriesSet =>
      new Map([...[...text].filter(([name]) => name !== series), [identity, to]]);
    expect(compare(text, changed(series.replace("health_", "health__"), value), isAlive)).not.toEqual(same);
    expect(compare(text, changed(series.replace('{"', '{"a":"b","'), value), isAlive)).not.toEqual(same);
    expect(compare(text, changed(series, value + 1), isAlive)).not.toEqual(same);
  });

  it("come through a Collector that names its own metrics as rules and dashboards do", async () => {
    const [collector] = ways?.collectors ?? [];
    const missing = async (): Promise<readonly string[]> => {
      const page = await (await fetch(collector?.urls.metrics ?? "")).text();
      const names = new Set(page.match(/^\w+/gm));
      return collectorItself.always.filter((name) => !names.has(name));
    };
    // Spans are counted once they are sampled and sent on.
    await vi.waitFor(async () => expect(await missing()).toEqual([]), { timeout: 20_000, interval: 200 });
  });

  const get = (way: WayName): SeriesSet => sets.get(way) ?? new Map();
});

function withoutCollectorsOwn(set: SeriesSet): SeriesSet {
  return new Map([...set].filter(([series]) => nameOf(series) !== collectorsOwn));
}

async function start(port: number, otlp: string, running: readonly Target[]): Promise<RunningAgent> {
  const checks = [
    ...running.flatMap((target) =>
      Object.entries(target.checks).map(([name, check]) => ({ name: name.replace(/\W+/g, "-"), ...check })),
    ),
    ...awkwardChecks,
  ].map((check) => ({ ...check, ...atRest }));
  const config = {
    service: { name: "names", version: "1.2.3", environment: "test" },
    server: { port },
    telemetry: { otlp: { endpoint: otlp }, metrics: { interval: "1s", timeout: "900ms" } },
    checks,
  };
  /** A file in the working directory must not add to it. */
  const absent = () => {
    throw new Error("there is no such file");
  };
  const env = {
    OTEL_RESOURCE_ATTRIBUTES: "team=blue,host.arch=odd",
    OTEL_BLRP_SCHEDULE_DELAY: "200",
    OTEL_BSP_SCHEDULE_DELAY: "200",
  };
  const loaded = loadConfig({
    disk: { read: absent, list: absent },
    env,
    withoutFiles: () => config,
    consents: ["--allow-exec"],
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return startAgent({ config: loaded.config, log });
}

/** Every check has run, the probes were asked, and what was collected after that has come everywhere. */
async function rest(agent: RunningAgent, ways: Ways): Promise<void> {
  await until(
    () => Object.values(agent.health.report().dependencies).every(({ last_check: at }) => at !== null),
    "all ran",
  );
  // `/metrics` too: else the series of the first scrape may have come by one way and not by another.
  for (const path of ["/livez", "/readyz", "/startupz", "/health", "/metrics"])
    await (await fetch(agent.url + path)).text();
  const since = Date.now() / 1_000 + 1;
  const hasArrived = async (way: WayName): Promise<boolean> => {
    const samples = await ways.series(way);
    const beat = samples.find(({ labels }) => labels.__name__ === "health_agent_heartbeat_seconds");
    return (beat?.value ?? 0) > since;
  };
  for (const way of wayNames) await until(() => hasArrived(way), `what was collected at rest has come by ${way}`);
}
