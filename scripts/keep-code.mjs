// Keeps V8's code of the built command line: `node scripts/keep-code.mjs FOLDER` runs an agent from it until it has
// answered everything once and run its checks, then writes the code of what has run by then. scripts/build.mjs calls it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const folder = resolve(process.argv[2]);
const scratch = mkdtempSync(join(tmpdir(), "healthspan-code-"));
const patienceMs = 20_000;
setTimeout(() => fail(new Error(`the agent was not up within ${patienceMs} ms`)), patienceMs);
process.on("uncaughtException", fail);

try {
  // Bound and let go: whoever takes it in between makes this build one without a cache.
  const port = await freePort();
  const target = createServer((_request, response) => response.end("{}")).listen(0, "127.0.0.1");
  const peer = `127.0.0.1:${await portOf(target)}`;
  const file = join(scratch, "healthspan.yaml");
  writeFileSync(file, config(port, peer));
  const chunks = createRequire(join(folder, "main.js"))("./chunks.js").openChunks(folder);
  const { runProgram } = chunks.load("program.js");
  await runProgram(["run", "--config", file, "--log-level", "error"]);
  for (const path of ["livez", "startupz", "readyz", "healthz?verbose", "metrics"]) await answerOf(port, path);
  chunks.keepCode();
  rmSync(scratch, { recursive: true });
  process.exit(0);
} catch (error) {
  fail(error);
}

function fail(error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function config(port, peer) {
  return `
service: { name: warm }
server: { port: ${port} }
defaults: { interval: 500ms, timeout: 400ms }
telemetry:
  otlp: { endpoint: "http://${peer}" }
checks:
  - { name: web, kind: http, critical: true, url: "http://${peer}/", thresholds: { duration_ms: { degraded: { above: 500 } } } }
  - { name: port, kind: tcp, address: "${peer}" }
  - { name: nobody, kind: tcp, address: "127.0.0.1:9" }
  - { name: system, kind: system }
`;
}

async function answerOf(port, path) {
  for (;;) {
    const { status } = await fetch(`http://127.0.0.1:${port}/${path}`);
    if (status === 200) return;
    await delay(20);
  }
}

function portOf(server) {
  return new Promise((done) => server.once("listening", () => done(server.address().port)));
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  const port = await portOf(server);
  await new Promise((done) => server.close(done));
  return port;
}
