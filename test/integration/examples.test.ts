import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RunningAgent, startAgent } from "../../src/agent.js";
import { type Reason, reasons } from "../../src/check.js";
import { localDisk } from "../../src/config/disk.js";
import { loadConfig } from "../../src/config/load-config.js";
import type { Log } from "../../src/log.js";
import { configOf } from "../config/load.js";
import { type OtlpSink, startOtlpSink } from "../servers/otlp-sink.js";

const folder = fileURLToPath(new URL("../../examples/", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"));
const base = "environments/base.yaml";
const production = "environments/production.yaml";
/** Each as it is started: an overlay only over its base. */
const starts = [...files.filter((name) => name !== production).map((name) => [name]), [base, production]].map(
  (names) => ({ names, title: names.join(" and ") }),
);

/** Anything but what a check says that has a bug. */
const known: readonly (Reason | null)[] = reasons.filter((reason) => reason !== "internal");
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const disk = {
  ...localDisk,
  read: (path: string) => (path.startsWith("/run/secrets/") ? Buffer.from("a-secret\n") : localDisk.read(path)),
};

/** Most of what they watch is nowhere here: what counts is that each check runs, and says what it found. */
describe("each configuration in examples/ runs, every check of it to a result", () => {
  let scratch: string;
  let sink: OtlpSink;
  let shop: Server;
  let env: Record<string, string>;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "healthspan-examples-"));
    sink = await startOtlpSink();
    shop = createServer((_, response) => response.end("UP")).listen(0, "127.0.0.1");
    await once(shop, "listening");
    const shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
    env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint,
      PAYMENTS_URL: `${shopUrl}/health`,
      OPENAI_BASE_URL: `${shopUrl}/v1`,
      // Nothing listens at port 9, and nothing but loopback is asked for what a variable can say.
      DATABASE_URL: "postgres://app:secret@127.0.0.1:9/app",
      ORDERS_DATABASE_URL: "postgres://watch:secret@127.0.0.1:9/orders",
      REDIS_URL: "redis://127.0.0.1:9",
      MILVUS_ADDRESS: "127.0.0.1:9",
      BACKUP_TOKEN: "a-secret",
    };
  });

  afterAll(async () => {
    shop.closeAllConnections();
    shop.close();
    await sink.close();
    rmSync(scratch, { recursive: true });
  });

  const load = (paths: readonly string[]) =>
    configOf(loadConfig({ files: paths, env, hostname: "box", disk, consents: ["--allow-exec"] }));

  /** All as in the example but for the port, which others may have here, and for how long nobody is waited for. */
  function loadHere(names: readonly string[]) {
    const paths = names.map((name) => join(folder, name));
    const checks = load(paths).checks.map(({ policy: { name } }) => ({ name, timeout: "1s" }));
    const here = join(scratch, `${names.map((name) => basename(name)).join("-")}.json`);
    const server = { host: "127.0.0.1", port: 0, drainDelay: "0s" };
    writeFileSync(here, JSON.stringify({ server, checks, telemetry: { traces: { successRatio: 1 } } }));
    return load([...paths, here]);
  }

  async function firstReport(agent: RunningAgent) {
    return vi.waitFor(
      () => {
        const { dependencies } = agent.health.report();
        const open = Object.entries(dependencies).filter(([, { last_check }]) => last_check === null);
        expect(open.map(([name]) => name)).toEqual([]);
        return dependencies;
      },
      { timeout: 20_000, interval: 25 },
    );
  }

  const runs = async (names: readonly string[]) => {
    const config = loadHere(names);
    const agent = await startAgent({ config, log: silent });
    try {
      expect((await fetch(`${agent.url}/livez`)).status).toBe(200);
      return { config, dependencies: await firstReport(agent) };
    } finally {
      await agent.stop({ drainDelayMs: 0 });
    }
  };

  it.concurrent.each(starts)("$title", async ({ names }) => {
    const { config, dependencies } = await runs(names);
    expect(Object.keys(dependencies)).toEqual(config.checks.map(({ policy }) => policy.name));
    for (const [name, { reason, error, raw_status }] of Object.entries(dependencies)) {
      expect(raw_status, `${name}: ${error}`).not.toBe("unknown");
      if (raw_status !== "healthy") expect(known, `${name}: ${error}`).toContain(reason);
    }
    if (names.includes("sidecar.yaml")) expect(dependencies.payments?.status).toBe("healthy");
    const roots = sink.spans.map((span) => span.name);
    expect(roots).toEqual(expect.arrayContaining(config.checks.map(({ policy }) => `health.check ${policy.name}`)));
  });
});
