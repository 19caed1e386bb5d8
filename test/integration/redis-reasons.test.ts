import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { redisKind } from "../../src/kinds/redis.js";
import { listen, listenSilently, type Peer } from "../contract/peers.js";
import { requireServer } from "../servers/available.js";
import { type Certificates, createCertificates } from "../servers/certificates.js";
import { freePort } from "../servers/free-port.js";
import { reasonTable } from "../servers/reason-table.js";
import { type RedisServer, startRedis } from "../servers/redis.js";
import { type Reply, startRespPeer } from "../servers/resp-peer.js";
import { type RunOnceResult, runOnce } from "../servers/run.js";

type Options = Readonly<Record<string, unknown>>;

async function ask(options: Options, timeoutMs = 3_000): Promise<RunOnceResult> {
  const check = redisKind.create(redisKind.options.parse(options));
  const result = await runOnce(check, { timeoutMs });
  await check.close?.();
  return result;
}

async function askPeer(starting: Promise<Peer>, toOptions: (port: number) => Options = at, timeoutMs = 3_000) {
  const peer = await starting;
  try {
    return await ask(toOptions(peer.port), timeoutMs);
  } finally {
    await peer.close();
  }
}

const at = (port: number): Options => ({ host: "127.0.0.1", port });
const inCluster = (port: number): Options => ({ cluster: { nodes: [`127.0.0.1:${port}`] } });
const behindSentinel = (port: number): Options => ({ sentinel: { name: "main", nodes: [`127.0.0.1:${port}`] } });
const overTls = (port: number): Options => ({ ...at(port), tls: {} });
const bulk = (...lines: readonly string[]): string => `$${lines.join("\r\n").length}\r\n${lines.join("\r\n")}\r\n`;

/** A server in a state that a real one is brought to, with more time, in the other suites. */
const answering = (replies: Readonly<Record<string, Reply>>, toOptions?: (port: number) => Options) =>
  askPeer(startRespPeer(replies), toOptions);
const refusing = (reply: string) => answering({ PING: `-${reply}\r\n` });

const isInstalled = requireServer("redis-server") && requireServer("redis-cli") && requireServer("openssl");
describe.skipIf(!isInstalled)("the reasons of docs/kinds/redis.md", async () => {
  const table = await reasonTable("redis");
  const dir = mkdtempSync(join(tmpdir(), "healthspan-redis-reasons-"));
  let certificates: Certificates;
  let server: RedisServer;
  let open: RedisServer;
  beforeAll(async () => {
    certificates = await createCertificates(dir);
    server = await startRedis({ password: "right" });
    open = await startRedis();
    await server.cli("acl", "setuser", "mute", "on", ">probe", "+info");
  });
  afterAll(async () => {
    await Promise.all([server.remove(), open.remove()]);
    rmSync(dir, { recursive: true, force: true });
  });

  const secure = () => {
    const { cert, key } = certificates.server;
    return listen(createTlsServer({ cert, key }).on("tlsClientError", () => undefined));
  };
  const withoutPackage = async () => {
    vi.doMock("ioredis", () => {
      throw new Error("not installed");
    });
    // All anew: a client that was loaded once stays.
    vi.resetModules();
    try {
      const { redisKind: kind } = await import("../../src/kinds/redis.js");
      const { runOnce: run } = await import("../servers/run.js");
      const result = await run(kind.create(kind.options.parse(at(1))));
      expect(result.failure?.message).toBe(
        "the package `ioredis` cannot be loaded; install it: `npm install ioredis@6`",
      );
      return result;
    } finally {
      vi.doUnmock("ioredis");
      vi.resetModules();
    }
  };

  /** Every way there by which a condition comes about. */
  const conditions: Readonly<Record<string, readonly (() => Promise<RunOnceResult>)[]>> = {
    "full: at `maxmemory` under `noeviction`, or writes refused for want of memory since the last run | degraded": [
      () => answering({ INFO: bulk("used_memory:200", "maxmemory:200", "maxmemory_policy:noeviction") }),
    ],
    "replica whose link to its master is down | degraded": [
      () => answering({ INFO: bulk("role:slave", "master_link_status:down") }),
    ],
    "`MISCONF`: writes refused because saving to disk fails | degraded": [() => refusing("MISCONF Errors writing")],
    "`LOADING`: reading its data set from disk | unhealthy": [
      () => refusing("LOADING Redis is loading the dataset in memory"),
      () => answering({ INFO: bulk("loading:1") }),
    ],
    "`MASTERDOWN`: replica without a master that may not serve old data | unhealthy": [
      () => refusing("MASTERDOWN Link with MASTER is down"),
    ],
    "cluster slots without a working node, while `cluster_state` is `ok` (`cluster-require-full-coverage no`) | degraded":
      [
        () => answering({ CLUSTER: bulk("cluster_state:ok", "cluster_slots_assigned:16000") }, inCluster),
        () => answering({ CLUSTER: bulk("cluster_state:ok", "cluster_slots_fail:1") }, inCluster),
      ],
    "`cluster_state:fail`, or `CLUSTERDOWN` | unhealthy": [
      () => answering({ CLUSTER: bulk("cluster_state:fail") }, inCluster),
      () => answering({ INFO: bulk("redis_mode:cluster"), CLUSTER: bulk("cluster_state:fail") }),
      () => refusing("CLUSTERDOWN The cluster is down"),
    ],
    "`BUSY`: a script blocks the server | unhealthy": [() => refusing("BUSY Redis is busy running a script")],
    "the node that the sentinels name as master is a replica | unhealthy": [
      async () => {
        const replica = await startRespPeer({ INFO: bulk("role:slave") });
        const name = `*2\r\n$9\r\n127.0.0.1\r\n${bulk(String(replica.port))}`;
        return answering({ SENTINEL: name }, behindSentinel).finally(() => replica.close());
      },
    ],
    "the database asked for does not exist; another one than 0 in a cluster | unhealthy": [
      () => ask({ ...at(open.port), db: 99 }),
      () => answering({ SELECT: "-ERR SELECT is not allowed in cluster mode\r\n" }, (port) => ({ ...at(port), db: 1 })),
    ],
    "no sentinel knows a master of that name | unhealthy": [() => answering({ SENTINEL: "*-1\r\n" }, behindSentinel)],
    "`NOAUTH`, `WRONGPASS`, `NOPERM` for `PING`, protected mode | unhealthy": [
      () => ask(at(server.port)),
      () => ask({ ...at(server.port), password: "wrong" }),
      () => ask({ ...at(server.port), username: "mute", password: "probe" }),
      () => askPeer(listen(createServer((socket) => socket.end("-DENIED Redis is running in protected mode\r\n")))),
    ],
    "`maxclients` reached | unhealthy": [
      () => askPeer(listen(createServer((socket) => socket.end("-ERR max number of clients reached\r\n")))),
    ],
    "nobody listens on the port; no sentinel, no cluster node listens | unhealthy": [
      async () => ask(at(await freePort())),
      async () => ask(behindSentinel(await freePort())),
      async () => ask(inCluster(await freePort())),
    ],
    "the name does not resolve | unhealthy": [() => ask({ host: "nowhere.invalid" }, 8_000)],
    "connection reset or closed; a TLS port asked without TLS | unhealthy": [
      () => askPeer(listen(createServer((socket) => socket.resetAndDestroy()))),
      () => askPeer(listen(createServer((socket) => socket.end()))),
      () => askPeer(secure()),
    ],
    "certificate unknown, expired or for another name; our own refused, or asked for and not configured; TLS asked of a port that speaks Redis without it | unhealthy":
      [
        () => askPeer(secure(), overTls),
        () => {
          const { server: own, ca } = certificates;
          const options = { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
          const peer = listen(createTlsServer(options).on("tlsClientError", () => undefined));
          return askPeer(peer, (port) => ({ ...at(port), tls: { ca: ca.cert } }));
        },
        () => ask(overTls(open.port)),
      ],
    "no answer before the deadline: frozen, swallowed by a firewall | unhealthy": [
      () => askPeer(listenSilently(), at, 300),
    ],
    "the peer does not speak Redis; it answers more than 1 MiB, or what nobody asked for | unhealthy": [
      () => answering({ PING: "HTTP/1.1 400 Bad Request\r\n" }),
      () => answering({ INFO: "$1048577\r\n" }),
      () => answering({ INFO: bulk("a:b").repeat(2) }),
    ],
    "any other error reply; `cluster` asked of a server that is in none | unhealthy": [
      () => refusing("ERR no"),
      () => ask(inCluster(open.port)),
    ],
    "the package `ioredis` is not installed | unhealthy": [withoutPackage],
  };

  it("are those of all conditions that are tested here", () => {
    expect(Object.keys(table)).toEqual(Object.keys(conditions));
  });

  it.each(Object.entries(table))("%s: %s", async (condition, reason) => {
    const status = condition.split(" | ").at(-1);
    expect(conditions[condition]?.length).toBeGreaterThan(0);
    for (const comeAbout of conditions[condition] ?? []) {
      const { outcome, failure } = await comeAbout();
      expect({ status: outcome?.status ?? "unhealthy", reason: outcome?.reason ?? failure?.reason }).toEqual({
        status,
        reason,
      });
    }
  });
});
