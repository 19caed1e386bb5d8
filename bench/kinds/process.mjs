/**
 * One agent with one check, for `kinds.ts`: measures itself before the check is there, after its first run and after many,
 * and says it over IPC. Needs `npm run build`.
 */
import { setTimeout as delay } from "node:timers/promises";
import { startAgent } from "../../dist/agent.js";
import { loadConfig } from "../../dist/config/load-config.js";

/** Until the compiler is done with the hot paths. */
const warmUpRuns = 500;
const { check, otlp, runs } = JSON.parse(process.argv[2]);
const name = "measured";
const nothing = () => {};
/** A file in the working directory must not add to what is measured. */
const absent = () => {
  throw new Error("there is no such file");
};

function read(checks) {
  const config = {
    service: { name: "bench" },
    server: { port: 0 },
    telemetry: { otlp: { endpoint: otlp, protocol: "http/protobuf" } },
    checks,
  };
  const disk = { read: absent, list: absent };
  const loaded = loadConfig({ disk, env: {}, withoutFiles: () => config, consents: ["--allow-exec"] });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

const rssMb = () => process.memoryUsage.rss() / 1e6;
const withCheck = read([{ name, ...check, interval: "1h", timeout: "10s" }]);
const log = { debug: nothing, info: nothing, warn: console.warn, error: console.error };
const agent = await startAgent({ config: read([]).config, log, reload: () => withCheck });
await delay(200);
const before = rssMb();
await agent.reload("the check is added");
const startMs = performance.now();
await agent.health.runOnce([name]);
const firstRunMs = performance.now() - startMs;
const loaded = rssMb();

/** Runs the check that often, one run after another. */
async function repeat(count) {
  for (let index = 0; index < count; index += 1) await agent.health.runOnce([name]);
  const { last_failure: failure, status } = agent.health.report().dependencies[name];
  if (failure !== null || status !== "healthy") throw new Error(`a run was not healthy: ${failure?.message ?? status}`);
}

await repeat(warmUpRuns);
const cpuBefore = process.cpuUsage();
await repeat(runs);
const { user, system } = process.cpuUsage(cpuBefore);
process.send({ before, firstRunMs, loaded, after: rssMb(), cpuUs: (user + system) / runs });
await agent.stop({ drainDelayMs: 0 });
process.exit();
