import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import autocannon from "autocannon";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AgentProcess, startAgentProcess } from "../servers/agent-process.js";
import { buildCommandLine, type CommandLine } from "../servers/command-line.js";
import { type RecordingTarget, startRecordingTarget } from "../servers/recording-target.js";

const checkCount = 50;
/** A machine that others use as well stands still for a second now and then; nothing may be missed for that. */
const intervalMs = 3_000;

let cli: CommandLine;
let target: RecordingTarget;
let agent: AgentProcess;
const sockets: Socket[] = [];

beforeAll(async () => {
  cli = await buildCommandLine();
  target = await startRecordingTarget();
  const checks = Array.from({ length: checkCount }, (_, index) => ({
    name: `web-${index}`,
    kind: "http",
    url: target.url(`/${index}`),
    interval: `${intervalMs}ms`,
    timeout: "2s",
  }));
  agent = await startAgentProcess(cli, { checks });
  await agent.running.says(/first report: healthy/);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

afterAll(async () => {
  await agent?.remove();
  target?.close();
  cli?.remove();
});

type Attack = (socket: Socket) => void;

/** Connections that each do the same harm; resolves when all are through, or cut off. */
async function attack(count: number, harm: Attack = () => {}): Promise<void> {
  for (let begun = 0; begun < count; ) {
    const wave = Array.from({ length: Math.min(250, count - begun) }, () => begin(harm));
    begun += wave.length;
    await Promise.all(wave);
  }
}

function begin(harm: Attack): Promise<void> {
  return new Promise((resolve) => {
    // From elsewhere than the probes, as in a cluster: this process asks late while it is busy with the attack.
    const socket = connect({ port: agent.port, host: "127.0.0.1", localAddress: "127.0.0.2" }, () => {
      harm(socket);
      resolve();
    });
    sockets.push(socket);
    socket.on("error", () => resolve()).on("close", () => resolve());
  });
}

const residentMegabytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))?.[1]) / 1_024;

/** Asks for readiness on connections of its own until `work` is done; every status code that came. */
async function probedDuring(work: Promise<unknown>): Promise<readonly number[]> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  void work.then(end, end);
  const statuses: number[] = [];
  do {
    const response = await fetch(`${agent.url}/readyz`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(10_000),
    });
    statuses.push(response.status);
    await response.arrayBuffer();
    await delay(20);
  } while (!isDone);
  await work;
  return statuses;
}

const withDrip =
  (head: string, drop: string): Attack =>
  (socket) => {
    socket.resume().write(head);
    const timer = setInterval(() => socket.write(drop), 300);
    socket.once("close", () => clearInterval(timer));
  };

/** Longer than an interval, so that every check has to come meanwhile. */
const siegeMs = 3_500;

const manyKinds: readonly (readonly [number, Attack])[] = [
  [1_000, withDrip("GET /livez HTTP/1.1\r\nHost: x\r\na: ", "x")],
  [1_000, withDrip("POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", "x")],
  // They ask for much and read none of it.
  [300, (socket) => void socket.pause().write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50))],
  [300, (socket) => void socket.resume().write(`GET /${"x".repeat(1_000_000)}`)],
  [300, (socket) => void socket.resume().end("GET /livez HTTP/1.1\r\n")],
];

const attacks: Readonly<Record<string, () => Promise<unknown>>> = {
  "10,000 connections that say nothing": () => attack(10_000),
  "heads and bodies that drip, readers that do not read, endless lines and half-open connections": () =>
    Promise.all(manyKinds.map(([count, harm]) => attack(count, harm))),
};

describe("an agent under siege", () => {
  it("by 100,000 requests at full speed answers each with 200, and misses no run", async () => {
    const amount = 100_000;
    const result = await autocannon({ url: `${agent.url}/readyz`, amount, connections: 50 });
    expect(result["2xx"]).toBe(amount);
    expect([result.non2xx, result.errors, result.timeouts]).toEqual([0, 0, 0]);
    expect(await agent.metric("health_scheduler_missed_runs_total")).toBe(0);
  });

  it.each(Object.entries(attacks))("by %s answers its probes, misses no run and stays small", async (_who, begun) => {
    const [before, arrivals] = [residentMegabytes(), target.arrivals().length];
    const statuses = await probedDuring(Promise.all([begun(), delay(siegeMs)]));
    expect([...new Set(statuses)]).toEqual([200]);
    expect(residentMegabytes() - before).toBeLessThan(120);
    expect(target.arrivals().length - arrivals).toBeGreaterThanOrEqual(checkCount);
    expect(await agent.metric("health_scheduler_missed_runs_total")).toBe(0);
  });

  it("that stands still holds 2,000 connections until it can take them: a probe among them is not turned away", async () => {
    process.kill(agent.pid, "SIGSTOP");
    try {
      await Promise.race([attack(2_000), delay(20_000).then(() => Promise.reject(new Error("some cannot connect")))]);
      const probe = fetch(`${agent.url}/livez`, { signal: AbortSignal.timeout(20_000) });
      await delay(50);
      process.kill(agent.pid, "SIGCONT");
      expect((await probe).status).toBe(200);
    } finally {
      process.kill(agent.pid, "SIGCONT");
    }
  });
});
