/**
 * What a running agent costs, measured from outside: `npm run bench [-- --seconds 30 --checks 200 --repeat 3]`.
 * Prints a table; JSON lines with --json. Linux only: CPU and memory are read from /proc. Needs `npm run build`.
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    checks: { type: "string", default: "200" },
    interval: { type: "string", default: "1000" },
    seconds: { type: "string", default: "30" },
    repeat: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const root = join(import.meta.dirname, "..");
const main = join(root, "dist", "cli", "main.js");
const clockTicksPerSecond = 100;
const pageBytes = 4096;

function usage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { cpuMs: ((+fields[11] + +fields[12]) / clockTicksPerSecond) * 1_000, rssMb: (+fields[21] * pageBytes) / 1e6 };
}

function statusOf(url) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", () => resolve(undefined));
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function config({ count, intervalMs, port, target }) {
  const checks = Array.from(
    { length: count },
    (_, index) =>
      `  - { name: check-${String(index).padStart(5, "0")}, kind: http, interval: ${intervalMs}ms, timeout: ${Math.min(5_000, intervalMs * 0.9)}ms, url: "http://127.0.0.1:${target.port}/c/${index}", expect: { bodyContains: UP } }`,
  );
  return `service: { name: bench }
server: { host: 127.0.0.1, port: ${port} }
telemetry: { otlp: { endpoint: "http://127.0.0.1:${target.sinkPort}", protocol: http/protobuf } }
checks:
${checks.join("\n")}
`;
}

async function withAgent({ count, intervalMs }, measure) {
  const folder = mkdtempSync(join(tmpdir(), "healthspan-bench-"));
  const targetProcess = fork(join(import.meta.dirname, "target.mjs"));
  const [target] = await once(targetProcess, "message");
  const ask = async (question) => {
    targetProcess.send(question);
    return (await once(targetProcess, "message"))[0];
  };
  const port = await freePort();
  const file = join(folder, "healthspan.yaml");
  writeFileSync(file, config({ count, intervalMs, port, target }));
  const spawnedMs = performance.now();
  const agent = spawn(process.execPath, [main, "run", "--config", file], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    while ((await statusOf(`http://127.0.0.1:${port}/livez`)) !== 200) await delay(2);
    const livezMs = performance.now() - spawnedMs;
    while ((await statusOf(`http://127.0.0.1:${port}/readyz`)) !== 200) await delay(2);
    const readyMs = performance.now() - spawnedMs;
    return { livezMs, readyMs, ...(await measure({ pid: agent.pid, port, ask })) };
  } finally {
    agent.kill("SIGKILL");
    targetProcess.kill();
    rmSync(folder, { recursive: true });
  }
}

async function window({ pid, port, ask }, { seconds, count, intervalMs }) {
  const scraper = setInterval(() => void statusOf(`http://127.0.0.1:${port}/metrics`), 15_000);
  const { now: from } = await ask({});
  const before = usage(pid);
  await delay(seconds * 1_000 + intervalMs / 2);
  const after = usage(pid);
  const { now: to } = await ask({});
  clearInterval(scraper);
  const arrived = await ask({ from, to, intervalMs, checks: count });
  const cpuMs = after.cpuMs - before.cpuMs;
  return {
    cpuPercent: (100 * cpuMs) / (to - from),
    cpuUsPerRun: (1_000 * cpuMs) / arrived.count,
    rssMb: after.rssMb,
    ...arrived,
    sinkBytesPerRun: arrived.sink.bytes / arrived.count,
  };
}

const scenarios = {
  load: async () => {
    const load = { count: +options.checks, intervalMs: +options.interval, seconds: +options.seconds };
    return withAgent(load, async (agent) => {
      await delay(5_000);
      return window(agent, load);
    });
  },
  rest: async () => {
    const load = { count: 10, intervalMs: 30_000, seconds: 30 };
    return withAgent(load, async (agent) => {
      await delay(3_000);
      return window(agent, load);
    });
  },
};

const columns = {
  livezMs: "first /livez ms",
  readyMs: "/readyz ms",
  cpuPercent: "CPU % of a core",
  cpuUsPerRun: "CPU µs a run",
  rssMb: "RSS MB",
  p50: "error p50 ms",
  p99: "p99",
  max: "max",
  missed: "missed",
  sinkBytesPerRun: "OTLP bytes a run",
};

console.log(`${cpus().length} cores, Node ${process.version}, load ${loadavg()[0].toFixed(2)} before`);
for (const name of Object.keys(scenarios)) {
  const rows = [];
  for (let round = 0; round < +options.repeat; round++) {
    const row = await scenarios[name]();
    rows.push(row);
    if (options.json) console.log(JSON.stringify({ scenario: name, ...row }));
  }
  const title = name === "load" ? `${options.checks} HTTP checks × ${options.interval} ms` : "at rest, 10 × 30 s";
  console.log(`\n${title}, median (min..max) of ${rows.length}`);
  for (const [key, label] of Object.entries(columns)) {
    const values = rows.map((row) => row[key]).filter((value) => Number.isFinite(value));
    if (values.length === 0) continue;
    values.sort((a, b) => a - b);
    const [low, middle, high] = [values[0], values[values.length >> 1], values.at(-1)].map((value) => value.toFixed(1));
    console.log(`  ${label.padEnd(18)} ${middle} (${low}..${high})`);
  }
}
