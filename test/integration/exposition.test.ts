import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FactTable } from "../../src/check.js";
import { createAgentInstruments } from "../../src/signals/agent-instruments.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { createProbeInstruments } from "../../src/signals/probe-instruments.js";
import type { CheckIdentity } from "../../src/signals/record.js";
import { startTelemetry, type Telemetry } from "../../src/telemetry/providers.js";
import { requireServer, serverPath } from "../servers/available.js";
import { type PrometheusSample, type PrometheusServer, startPrometheus } from "../servers/prometheus.js";
import { identity, record } from "../signals/records.js";

const openmetrics = "application/openmetrics-text; version=1.0.0";
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const awkward = 'sq"uo\\te\nd ünïcode {}';

const facts: FactTable = {
  ttfb_ms: {
    type: "number",
    description: "Time to the first byte.",
    metric: { name: "health.http.ttfb", unit: "s", scale: 0.001 },
  },
  used: { type: "number", description: "Memory in use.", metric: { name: "health.http.memory", unit: "By" } },
  share: {
    type: "number",
    description: "Share in use.",
    metric: { name: "health.http.memory.utilization", unit: "1", scale: 0.01 },
  },
  collections: {
    type: "list",
    description: "Entities by collection.",
    items: { key: "name", metrics: { rows: { name: "health.http.entities", unit: "{entity}" } } },
  },
};

let counts: CheckCounts;
let telemetry: Telemetry;
let temporary: CheckIdentity;

beforeAll(async () => {
  counts = new CheckCounts();
  telemetry = await startTelemetry(
    {
      diagnostics: "warn",
      resource: { "service.name": "checkout", "process.command_args": "hunter2" },
    },
    { counts, onDiagnostic: () => {}, version: "0.1.0" },
  );
  createAgentInstruments(telemetry.meter, { version: "0.1.0", configHash: "abc", counts });
  createProbeInstruments(telemetry.meter).probe("readyz", 200, "healthy", 0.002);
  const odd = identity(awkward, { facts, policy: { critical: true, owner: 'team "a"', labels: { tier: "1\\2" } } });
  temporary = identity("temporary", { kind: "exec", hasOpenFacts: true });
  for (const check of [odd, temporary]) counts.checkAdded(check, "unknown");
  counts.run(
    record(odd, {
      atMs: Date.now(),
      durationMs: 42,
      traceId,
      spanId: "00f067aa0ba902b7",
      facts: { ttfb_ms: 12, used: 5e9, share: 45.2, collections: [{ name: "kb", rows: 7 }] },
    }),
  );
  counts.run(
    record(odd, {
      outcome: "unhealthy",
      reason: "timeout",
      durationMs: 5_000,
      previousStatus: "healthy",
      status: "unhealthy",
    }),
  );
  counts.run(
    record(odd, {
      facts: { ttfb_ms: 12, used: 5e9, share: 45.2, collections: [{ name: "kb", rows: 7 }] },
      durationMs: 90_000,
    }),
  );
  counts.run(record(temporary, { facts: { queue: 3 } }));
  counts.orphaned(odd);
  counts.lag(0.004);
  counts.serviceStatus("healthy");
});
afterAll(() => telemetry.shutdown(1_000));

async function exposition(accept?: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const piece of (await telemetry.metrics.render(accept)).pieces) chunks.push(Buffer.from(piece));
  return Buffer.concat(chunks).toString("utf8");
}

/** Runs a program with `input`; its output and how it ended. */
async function run(program: string, args: readonly string[], input: string): Promise<{ output: string; code: number }> {
  const child = spawn(program, args);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => {
      output += data;
    });
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number];
  return { output, code };
}

describe.skipIf(!requireServer("promtool"))("promtool", () => {
  it("has nothing to say against the text exposition", async () => {
    const { output, code } = await run(serverPath("promtool"), ["check", "metrics"], await exposition());
    expect(output).toBe("");
    expect(code).toBe(0);
  });

  it("would object to a wrong one", async () => {
    const { code } = await run(serverPath("promtool"), ["check", "metrics"], "# TYPE a counter\na 1\n");
    expect(code).not.toBe(0);
  });
});

const parse = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
json.dump([[family.name, family.type, family.unit, [
  [sample.name, sample.labels, sample.exemplar.labels if sample.exemplar else None] for sample in family.samples
]] for family in families], sys.stdout)
`;
type Parsed = readonly [
  string,
  string,
  string,
  readonly [string, Record<string, string>, Record<string, string> | null][],
][];

describe.skipIf(!requireServer("prometheus-client"))("the strict OpenMetrics parser", () => {
  it("takes the exposition, units, infos and exemplars included", async () => {
    const { output, code } = await run(serverPath("prometheus-client"), ["-c", parse], await exposition(openmetrics));
    expect(code, output).toBe(0);
    const families = JSON.parse(output) as Parsed;
    const types = Object.fromEntries(families.map(([name, type, unit]) => [name, [type, unit]]));
    expect(types).toMatchObject({
      target: ["info", ""],
      health_check_duration_seconds: ["histogram", "seconds"],
      health_check_runs: ["counter", ""],
      health_check_status: ["gauge", ""],
      health_http_memory_bytes: ["gauge", "bytes"],
      health_http_memory_utilization_ratio: ["gauge", "ratio"],
      health_scheduler_lag_seconds: ["histogram", "seconds"],
      health_agent_info: ["gauge", ""],
    });
    const samples = families.flatMap(([, , , list]) => list);
    expect(samples.some(([, labels]) => labels.health_check_name === awkward)).toBe(true);
    expect(samples.flatMap(([, , exemplar]) => exemplar?.trace_id ?? [])).toEqual([traceId]);
  });

  it("would object to a wrong one", async () => {
    const broken = (await exposition(openmetrics)).replace("# EOF\n", "");
    expect((await run(serverPath("prometheus-client"), ["-c", parse], broken)).code).not.toBe(0);
  });
});

describe.skipIf(!requireServer("prometheus"))("Prometheus", () => {
  let endpoint: Server;
  let prometheus: PrometheusServer;
  beforeAll(async () => {
    endpoint = createServer(async (request, response) => {
      const { contentType, pieces } = await telemetry.metrics.render(request.headers.accept);
      response.writeHead(200, { "content-type": contentType });
      for await (const piece of pieces) response.write(piece);
      response.end();
    }).listen(0, "127.0.0.1");
    await once(endpoint, "listening");
    prometheus = await startPrometheus({ targets: [`127.0.0.1:${(endpoint.address() as AddressInfo).port}`] });
    await until(async () => (await prometheus.query("up"))[0]?.value === 1);
  });
  afterAll(async () => {
    await prometheus?.remove();
    endpoint?.closeAllConnections();
    endpoint?.close();
  });

  const value = async (expression: string): Promise<number | undefined> =>
    (await prometheus.query(expression))[0]?.value;

  it("scrapes every family", async () => {
    const names = (await prometheus.api("label/__name__/values")) as readonly string[];
    expect(names.filter((name) => !/^(scrape_|up$)/.test(name))).toEqual([
      "health_agent_heartbeat_seconds",
      "health_agent_info",
      "health_check_duration_seconds_bucket",
      "health_check_duration_seconds_count",
      "health_check_duration_seconds_sum",
      "health_check_info",
      "health_check_last_success_seconds",
      "health_check_orphaned_runs_total",
      "health_check_runs_total",
      "health_check_status",
      "health_check_transitions_total",
      "health_config_last_reload_seconds",
      "health_config_last_reload_success",
      "health_exec_value",
      "health_http_entities",
      "health_http_memory_bytes",
      "health_http_memory_utilization_ratio",
      "health_http_ttfb_seconds",
      "health_probe_duration_seconds_bucket",
      "health_probe_duration_seconds_count",
      "health_probe_duration_seconds_sum",
      "health_probe_requests_total",
      "health_scheduler_lag_seconds_bucket",
      "health_scheduler_lag_seconds_count",
      "health_scheduler_lag_seconds_sum",
      "health_scheduler_missed_runs_total",
      "health_status",
      "target_info",
    ]);
  });

  it("holds the values and the awkward labels as they were", async () => {
    const [state] = await prometheus.query('health_check_status{health_check_kind="http"} == 1');
    expect(state?.labels).toMatchObject({
      health_check_name: awkward,
      health_check_critical: "true",
      health_check_state: "healthy",
    });
    expect(await value("health_http_memory_bytes")).toBe(5e9);
    expect(await value("health_http_memory_utilization_ratio")).toBeCloseTo(0.452);
    expect(await value('sum(health_check_runs_total{error_type="timeout"})')).toBe(1);
    expect(await value('health_check_duration_seconds_bucket{health_check_kind="http",error_type="",le="0.05"}')).toBe(
      1,
    );
    const [info] = await prometheus.query("target_info");
    expect(Object.keys(info?.labels ?? {}).sort()).toEqual(["__name__", "instance", "job", "service_name"]);
  });

  it("keeps the exemplar", async () => {
    const now = Date.now() / 1_000;
    const found = (await prometheus.api(
      `query_exemplars?query=health_check_duration_seconds_bucket&start=${now - 600}&end=${now + 60}`,
    )) as readonly { readonly exemplars: readonly { readonly labels: Record<string, string> }[] }[];
    expect(found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id))).toContain(traceId);
  });

  it("marks the series of a removed check stale at the next scrape", async () => {
    const shown = (): Promise<readonly PrometheusSample[]> =>
      prometheus.query('health_check_info{health_check_name="temporary"}');
    expect(await shown()).toHaveLength(1);
    counts.checkRemoved(temporary);
    await until(async () => (await shown()).length === 0);
  });
});

/** Asks until it is so; what Prometheus does takes a scrape. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error("it has not become so within 15 s");
    await delay(100);
  }
}
