import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type AgentProcess, type AgentProcessOptions, startAgentProcess } from "../servers/agent-process.js";
import { requireServer, serverPath } from "../servers/available.js";
import { buildCommandLine, type CommandLine } from "../servers/command-line.js";
import { freePort } from "../servers/free-port.js";
import { type OtlpSink, startOtlpSink } from "../servers/otlp-sink.js";
import { type RecordingTarget, startRecordingTarget } from "../servers/recording-target.js";

let cli: CommandLine;
let target: RecordingTarget;
const agents: AgentProcess[] = [];

beforeAll(async () => {
  cli = await buildCommandLine();
  target = await startRecordingTarget();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.remove();
});

afterAll(() => {
  target?.close();
  cli?.remove();
});

async function start(options: AgentProcessOptions): Promise<AgentProcess> {
  const agent = await startAgentProcess(cli, options);
  agents.push(agent);
  return agent;
}

const web = (index: number, interval: string) => ({
  name: `web-${index}`,
  kind: "http",
  url: target.url(`/${index}`),
  interval,
  timeout: "400ms",
  failingInterval: interval,
});

interface Dependency {
  readonly status: string;
  readonly reason: string | null;
  readonly last_failure?: { readonly message: string } | null;
}

/** Over a connection that stays open: new ones are what an agent without descriptors cannot serve. */
async function dependencies(agent: AgentProcess): Promise<Readonly<Record<string, Dependency>>> {
  const response = await fetch(`${agent.url}/health`);
  return ((await response.json()) as { dependencies: Readonly<Record<string, Dependency>> }).dependencies;
}

const until = (claim: () => void | Promise<void>) => vi.waitFor(claim, { timeout: 20_000, interval: 50 });

describe("an agent without file descriptors", () => {
  const hasPrlimit = process.platform === "linux";
  const allow = (agent: AgentProcess, files: string): void =>
    void execFileSync("prlimit", ["--pid", String(agent.pid), `--nofile=${files}:`]);

  it.skipIf(!hasPrlimit)("blames no target, says so once, and recovers by itself", async () => {
    const resolver = { name: "dns", kind: "dns", hostname: "a.test", resolver: "127.0.0.1:1" };
    const agent = await start({
      checks: [
        web(0, "1s"),
        { ...web(1, "1s"), url: target.url("/1").replace("127.0.0.1", "localhost") },
        { name: "tcp", kind: "tcp", address: target.url("").slice("http://".length), interval: "1s", timeout: "900ms" },
        { ...resolver, interval: "1s", timeout: "900ms" },
        { name: "late", kind: "redis", host: "127.0.0.1", port: 1, interval: "1s", timeout: "900ms", enabled: true },
      ],
    });
    await agent.running.says(/first report: /);
    const files = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/limits`, "utf8"))?.[1] ?? "";
    allow(agent, "3");
    await agent.running.says(/this process has too many files open: checks fail as `internal`/);
    await until(() => {
      for (const name of ["web-0", "web-1", "tcp"]) {
        const line = new RegExp(`check ${name} is unhealthy: this process has too many files open \\(EMFILE\\)`);
        expect(agent.running.output()).toMatch(line);
      }
    });
    allow(agent, files);
    await agent.running.says(/files can be opened again/);
    await until(async () => {
      const now = await dependencies(agent);
      expect(now).toMatchObject({
        "web-0": { status: "healthy" },
        "web-1": { status: "healthy" },
        tcp: { status: "healthy" },
        dns: { status: "unhealthy", reason: "refused" },
        late: { status: "unhealthy", reason: "refused" },
      });
    });
    expect(agent.running.output().match(/this process has too many files open: /g)).toHaveLength(1);
  });
});

describe("an agent whose process stood still", () => {
  it("releases no burst, counts what it missed, and calls nothing stale", async () => {
    const checks = Array.from({ length: 60 }, (_, index) => web(index, "500ms"));
    const agent = await start({ checks });
    await agent.running.says(/first report: healthy/);
    process.kill(agent.pid, "SIGSTOP");
    await delay(2_500);
    const since = performance.now();
    process.kill(agent.pid, "SIGCONT");
    await until(() => expect(target.arrivals().filter((time) => time >= since).length).toBeGreaterThan(120));
    // The cap is ten starts in 10 ms; they may arrive closer together on a machine that others use, but not all at once.
    expect(target.mostWithin(10, since)).toBeLessThan(40);
    expect(agent.running.output()).not.toMatch(/"to":"(unknown|unhealthy)"/);
    expect(await agent.metric("health_scheduler_missed_runs_total")).toBeGreaterThan(60);
  });
});

describe("an agent whose wall clock is set", () => {
  it.skipIf(!requireServer("libfaketime"))("forward and back keeps its pace and its verdicts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "healthspan-clock-"));
    const file = join(folder, "offset");
    const step = (offset: string): void => writeFileSync(file, `${offset}\n`);
    step("+0");
    const checks = Array.from({ length: 60 }, (_, index) => web(index, "500ms"));
    const env = {
      LD_PRELOAD: serverPath("libfaketime"),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
    try {
      const begun = performance.now();
      const agent = await start({ checks, env });
      await agent.running.says(/first report: healthy/);
      for (const [offset, hours] of Object.entries({ "+3h": 3, "-5h": -5, "+0": 0 })) {
        const [arrivals, since] = [target.arrivals().length, performance.now()];
        step(offset);
        await until(async () => expect(await hoursAhead(agent)).toBeCloseTo(hours, 1));
        await delay(3_000);
        const pace = ((target.arrivals().length - arrivals) * 500) / (performance.now() - since) / checks.length;
        expect(pace).toBeGreaterThan(0.8);
        expect(pace).toBeLessThan(1.2);
        expect(new Set(Object.values(await dependencies(agent)).map(({ status }) => status))).toEqual(
          new Set(["healthy"]),
        );
      }
      expect(target.mostWithin(10, begun)).toBeLessThan(40);
      expect(agent.running.output()).not.toMatch(/"to":"(unknown|unhealthy|degraded)"/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  async function hoursAhead(agent: AgentProcess): Promise<number> {
    const { timestamp } = (await (await fetch(`${agent.url}/health`)).json()) as { timestamp: string };
    return (Date.parse(timestamp) - Date.now()) / 3_600_000;
  }
});

describe("an agent with bugs in an exporter and in its server", () => {
  let sink: OtlpSink;
  beforeEach(async () => {
    sink = await startOtlpSink();
  });
  afterEach(() => sink.close());

  it("says so, drops what is touched by them, and runs on", async () => {
    const agent = await start({
      checks: [web(0, "500ms"), web(1, "500ms")],
      env: {
        NODE_OPTIONS: `--import ${new URL("planted-bugs.mjs", import.meta.url).href}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint,
        OTEL_METRIC_EXPORT_INTERVAL: "500",
      },
    });
    await agent.running.says(/first report: healthy/);
    const answer = await fetch(`${agent.url}/readyz?planted`);
    expect([answer.status, await answer.text()]).toEqual([500, "Internal error\n"]);
    await agent.running.says(/planted in an answer/);
    // Where not even that can be sent, the connection is closed.
    await expect(fetch(`${agent.url}/health/web-0`)).rejects.toThrow();
    await agent.running.says(/planted in the sending/);
    await agent.running.says(/traces do not arrive at [^ ]+: they cannot be written \(planted in an exporter\)/);
    const arrivals = target.arrivals().length;
    await until(() => expect(target.arrivals().length).toBeGreaterThan(arrivals + 4));
    expect((await dependencies(agent))["web-0"]?.status).toBe("healthy");
    expect((await fetch(`${agent.url}/health/web-1`)).status).toBe(200);
    const scraped = await (await fetch(`${agent.url}/metrics`)).text();
    expect(scraped).toMatch(/^health_telemetry_dropped_total\{health_telemetry_signal="traces"\} [1-9]/m);
    expect(scraped).toMatch(/^health_telemetry_dropped_total\{health_telemetry_signal="metrics"\} 0$/m);
    expect(sink.points.length).toBeGreaterThan(0);
    expect(sink.spans).toEqual([]);
  });
});

describe("an agent whose log is on a full disk", () => {
  it.skipIf(!existsSync("/dev/full"))("runs on, and says so on the other stream, once", async () => {
    const port = await freePort();
    const agent = await start({ checks: [web(0, "500ms")], port, stdout: "/dev/full" });
    await until(async () => expect((await dependencies(agent))["web-0"]?.status).toBe("healthy"));
    expect(agent.running.output()).toBe(
      "healthspan: the log cannot be written (ENOSPC); lines are lost until it can\n",
    );
  });
});

describe("an agent that is killed", () => {
  it("at any moment leaves nothing that hinders the next start at the same port", async () => {
    const port = await freePort();
    const checks = [
      ...Array.from({ length: 20 }, (_, index) => web(index, "500ms")),
      { name: "plugin", kind: "exec", command: ["/bin/sleep", "0.2"], interval: "500ms", timeout: "400ms" },
    ];
    const left = (): readonly string[] => readdirSync(tmpdir()).filter((name) => /healthspan(?!-process)/.test(name));
    const before = left();
    for (const afterMs of [0, 40, 150, 400]) {
      const agent = await start({ checks, port, words: ["--allow-exec"] });
      await delay(afterMs);
      process.kill(agent.pid, "SIGKILL");
      await agent.running.ended;
    }
    const last = await start({ checks, port, words: ["--allow-exec"] });
    await last.running.says(/first report: healthy/);
    expect(last.port).toBe(port);
    expect(left().filter((name) => !before.includes(name))).toEqual([]);
  });
});
