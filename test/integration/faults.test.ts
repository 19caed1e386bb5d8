import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type RunningAgent, startAgent } from "../../src/agent.js";
import type { Reason } from "../../src/check.js";
import { loadConfig } from "../../src/config/load-config.js";
import type { DependencyReport } from "../../src/health/report.js";
import { kinds } from "../../src/kinds/index.js";
import type { Log } from "../../src/log.js";
import { requireServer } from "../servers/available.js";
import { activeResources, leftSince } from "../servers/leftovers.js";
import { PostgresServer } from "../servers/postgres.js";
import { type RedisServer, startRedis } from "../servers/redis.js";
import { startTcpProxy, type TcpProxy } from "../servers/tcp-proxy.js";

const intervalMs = 1_000;
const timeoutMs = 800;
/** The contract: a result is there this long after its deadline at the latest. */
const graceMs = 100;
/** For the scheduler of a busy machine. */
const lateMs = 500;

const user = "probe";
const password = "s3cret/of+the%suite";
const otherPassword = "n3w/s3cret";

/** A server, and what may happen to it. */
interface Target {
  /** Options of the check, which goes through the proxy. */
  options(proxyPort: number): Readonly<Record<string, unknown>>;
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** From now on only this password is right, for open connections too. */
  setPassword(password: string): Promise<void>;
  /** How many connections of ours the server holds. */
  connections(): Promise<number>;
  remove(): Promise<void>;
}

async function startPostgresTarget(): Promise<Target> {
  const server = await PostgresServer.start({ build: "postgresql" });
  const setPassword = async (text: string) => void (await server.query(`alter role ${user} password '${text}'`));
  await server.query(`create role ${user} login password '${password}'`);
  return {
    port: server.port,
    options: (port) => ({ kind: "postgres", host: server.host, port, user, password, database: "postgres" }),
    stop: () => server.stop(),
    start: () => server.start(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    setPassword,
    connections: async () =>
      (await server.query("select 1 from pg_stat_activity where application_name = 'healthspan'")).length,
    remove: () => server.remove(),
  };
}

async function startRedisTarget(): Promise<Target> {
  const server: RedisServer = await startRedis();
  const setPassword = async (text: string) => {
    await server.cli("acl", "setuser", user, "reset", "on", `>${text}`, "~*", "+@all");
    await server.cli("client", "kill", "user", user).catch(() => undefined);
  };
  await setPassword(password);
  return {
    port: server.port,
    options: (port) => ({ kind: "redis", host: server.host, port, username: user, password }),
    stop: () => server.stop(),
    start: async () => {
      await server.start();
      await setPassword(password);
    },
    freeze: async () => server.freeze(),
    thaw: async () => server.thaw(),
    setPassword,
    connections: async () =>
      (await server.cli("client", "list")).split("\n").filter((line) => line.includes("name=healthspan")).length,
    remove: () => server.remove(),
  };
}

const targets = {
  postgres: { start: startPostgresTarget, isInstalled: requireServer("postgresql") },
  redis: {
    start: startRedisTarget,
    isInstalled: requireServer("redis-server") && requireServer("redis-cli"),
  },
} as const;

let agent: RunningAgent | undefined;
const folder = mkdtempSync(join(tmpdir(), "healthspan-faults-"));
const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

afterEach(async () => {
  await agent?.stop({ drainDelayMs: 0 });
  agent = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function startWatching(options: Readonly<Record<string, unknown>>): Promise<RunningAgent> {
  const file = join(folder, "healthspan.yaml");
  const timing = { interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms`, failureThreshold: 1 };
  const config = { server: { port: 0 }, checks: [{ name: "target", critical: true, ...timing, ...options }] };
  writeFileSync(file, JSON.stringify(config));
  const loaded = loadConfig({ files: [file], env: {}, kinds });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  agent = await startAgent({ config: loaded.config, log });
  return agent;
}

/** A result of the agent's, with the time its run started, epoch milliseconds. */
interface Seen extends DependencyReport {
  readonly startedAtMs: number;
}

/** The first result whose run started at `sinceMs` or later. */
function firstRunSince(sinceMs: number): Promise<Seen> {
  return vi.waitFor(
    () => {
      const seen = agent?.health.report().dependencies.target;
      const startedAtMs = Date.parse(seen?.last_check ?? "") - (seen?.duration_ms ?? Number.NaN);
      if (!seen || !(startedAtMs >= sinceMs)) throw new Error(`no run since ${sinceMs}`);
      return { ...seen, startedAtMs };
    },
    { timeout: 10_000, interval: 5 },
  );
}

/** The first run that knows of a change sees it; it starts within one interval and keeps to its deadline. */
async function expectNext(expected: { status: string; reason: Reason | null }): Promise<void> {
  const sinceMs = Date.now();
  const seen = await firstRunSince(sinceMs);
  expect(seen).toMatchObject(expected);
  expect(seen.startedAtMs - sinceMs).toBeLessThan(intervalMs + lateMs);
  expect(seen.duration_ms).toBeLessThanOrEqual(timeoutMs + graceMs);
}

const healthy = { status: "healthy", reason: null };
const unhealthy = (reason: Reason) => ({ status: "unhealthy", reason });

interface Fault {
  readonly reason: Reason;
  begin(target: Target, proxy: TcpProxy): Promise<void> | void;
  end(target: Target, proxy: TcpProxy): Promise<void> | void;
  /** The check goes to the server itself. */
  readonly isDirect?: boolean;
}

const faults: Readonly<Record<string, Fault>> = {
  "stopped and started": {
    reason: "refused",
    isDirect: true,
    begin: (target) => target.stop(),
    end: (target) => target.start(),
  },
  "frozen and thawed": {
    reason: "timeout",
    isDirect: true,
    begin: (target) => target.freeze(),
    end: (target) => target.thaw(),
  },
  "refusing the password and taking it again": {
    reason: "auth",
    begin: (target) => target.setPassword(otherPassword),
    end: (target) => target.setPassword(password),
  },
  "behind a blackhole and out of it": {
    reason: "timeout",
    begin: (_target, proxy) => proxy.swallow(),
    end: (_target, proxy) => proxy.pass(),
  },
};

describe.each(Object.entries(targets))("an agent that watches %s", (_kind, { start, isInstalled }) => {
  describe.skipIf(!isInstalled)("over a whole fault", () => {
    let target: Target;
    let proxy: TcpProxy;
    beforeAll(async () => {
      target = await start();
      proxy = await startTcpProxy(target.port);
    });
    afterAll(async () => {
      await proxy.close();
      await target.remove();
    });

    it.each(Object.entries(faults))(
      "%s: right reason, in time, recovered with the next run, nothing left",
      async (_what, fault) => {
        const before = activeResources();
        const running = await startWatching(target.options(fault.isDirect ? target.port : proxy.port));
        await expectNext(healthy);
        await fault.begin(target, proxy);
        await expectNext(unhealthy(fault.reason));
        // A second one: what the first left behind must not change the verdict.
        await expectNext(unhealthy(fault.reason));
        expect(running.health.report().readiness).toBe(false);
        await fault.end(target, proxy);
        await expectNext(healthy);
        expect(running.health.report().readiness).toBe(true);
        await running.stop({ drainDelayMs: 0 });
        agent = undefined;
        expect(await leftSince(before)).toEqual([]);
        await vi.waitFor(async () => expect(await target.connections()).toBe(0));
      },
    );

    it("stopped in the middle of a fault, it leaves nothing behind either", async () => {
      const before = activeResources();
      const running = await startWatching(target.options(proxy.port));
      await expectNext(healthy);
      proxy.swallow();
      await expectNext(unhealthy("timeout"));
      await running.stop({ drainDelayMs: 0 });
      agent = undefined;
      proxy.pass();
      expect(await leftSince(before)).toEqual([]);
    });
  });
});
