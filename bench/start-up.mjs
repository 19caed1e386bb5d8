// Start-up of built command lines side by side: `node bench/start-up.mjs [--runs 15] LABEL=dist/cli/main.js …`
// For each: wall time of `--version`; an agent's first 200 of /livez and of /metrics; its resident memory 2 s later.
// Runs are interleaved, so that a busy machine disturbs all alike; the table has medians and the fastest run. One core
// of its own (taskset), as in a container.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "15" } },
});
const entries = (positionals.length > 0 ? positionals : ["built=dist/cli/main.js"]).map((text) => text.split("=", 2));
const folder = mkdtempSync(join(tmpdir(), "healthspan-start-"));
const hasTaskset = spawnSync("taskset", ["-V"]).status === 0;
const deadlineMs = 10_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function start(args) {
  const command = [...(hasTaskset ? ["taskset", "-c", "0"] : []), process.execPath, ...args];
  return spawn(command[0], command.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
}

function ended(child) {
  return new Promise((resolve) => child.once("exit", resolve));
}

function status(url) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", () => resolve(0));
  });
}

async function msUntilOk(url, startMs) {
  while ((await status(url)) !== 200) {
    if (performance.now() - startMs > deadlineMs) throw new Error(`${url} did not answer 200 within ${deadlineMs} ms`);
    await delay(1);
  }
  return performance.now() - startMs;
}

/** Ten checks that fail at once, so that no driver's or target's time is in it. */
function writeConfig(port) {
  const file = join(folder, "healthspan.yaml");
  const checks = Array.from({ length: 10 }, (_, index) => `  - { name: c${index}, kind: tcp, address: "127.0.0.1:9" }`);
  writeFileSync(
    file,
    ["service: { name: start-up }", `server: { port: ${port} }`, "checks:", ...checks, ""].join("\n"),
  );
  return file;
}

async function measureVersion(entry) {
  const startMs = performance.now();
  await ended(start([entry, "--version"]));
  return performance.now() - startMs;
}

async function measureAgent(entry) {
  const port = await freePort();
  const file = writeConfig(port);
  const startMs = performance.now();
  const agent = start([entry, "run", "--config", file, "--log-level", "error"]);
  try {
    const livezMs = await msUntilOk(`http://127.0.0.1:${port}/livez`, startMs);
    const metricsMs = await msUntilOk(`http://127.0.0.1:${port}/metrics`, startMs);
    await delay(2_000);
    const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))?.[1]);
    return { livezMs, metricsMs, rssMb: rssKb / 1_024 };
  } finally {
    const end = ended(agent);
    agent.kill("SIGKILL");
    await end;
  }
}

function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)].toFixed(0)} (${sorted[0].toFixed(0)})`;
}

const samples = new Map(entries.map(([label]) => [label, { versionMs: [], livezMs: [], metricsMs: [], rssMb: [] }]));
for (let run = 0; run < Number(values.runs); run++) {
  for (const [label, entry] of entries) {
    const one = { versionMs: await measureVersion(entry), ...(await measureAgent(entry)) };
    for (const [name, value] of Object.entries(one)) samples.get(label)[name].push(value);
  }
}
rmSync(folder, { recursive: true });

console.log(`Node ${process.versions.node}, ${values.runs} runs, median (fastest)\n`);
console.log("| build | --version, ms | first /livez, ms | first /metrics, ms | RSS, MB |\n|---|---|---|---|---|");
for (const [label, { versionMs, livezMs, metricsMs, rssMb }] of samples) {
  console.log(`| ${[label, ...[versionMs, livezMs, metricsMs, rssMb].map(summary)].join(" | ")} |`);
}
