import { findServer, type ServerName } from "../../test/servers/available.js";
import { startDnsmasq } from "../../test/servers/dnsmasq.js";
import { startGrpcHealth } from "../../test/servers/grpc-health.js";
import { startLlmock } from "../../test/servers/llmock.js";
import { startMilvus } from "../../test/servers/milvus.js";
import { startNginx } from "../../test/servers/nginx.js";
import { PostgresServer } from "../../test/servers/postgres.js";
import { startRedis } from "../../test/servers/redis.js";

type CheckOptions = Readonly<Record<string, unknown>>;

/** A server that is up, and the checks that can be run against it: by the row they make, as a config file has them. */
export interface Target {
  readonly checks: Readonly<Record<string, CheckOptions>>;
  stop(): Promise<void>;
}

/** By the server it needs; `none` needs none. */
export const targets: Readonly<Record<string, { readonly needs: ServerName | undefined; start(): Promise<Target> }>> = {
  nginx: { needs: "nginx", start: nginx },
  dnsmasq: { needs: "dnsmasq", start: dnsmasq },
  grpcio: { needs: "grpcio-health-checking", start: grpcio },
  "PostgreSQL 18": { needs: "postgresql-vector", start: postgres },
  Redis: { needs: "redis-server", start: redis },
  "Milvus 2.3.5": { needs: "milvus", start: milvus },
  llmock: { needs: "llmock", start: llmock },
  none: { needs: undefined, start: async () => ({ checks: { system, exec }, stop: async () => {} }) },
};

export const isThere = (needs: ServerName | undefined): boolean =>
  needs === undefined || findServer(needs) !== undefined;

const system = { kind: "system", thresholds: {} };
const exec = { kind: "exec", command: ["/bin/true"] };

async function nginx(): Promise<Target> {
  const server = await startNginx();
  const { ca } = server.certificates;
  return {
    checks: {
      http: { kind: "http", url: server.url("plain", "/ok") },
      "http, TLS": { kind: "http", url: server.url("good", "/ok"), tls: { ca: ca.cert } },
      tcp: { kind: "tcp", address: `127.0.0.1:${server.ports.plain}` },
      tls: { kind: "tls", address: `127.0.0.1:${server.ports.good}`, tls: { ca: ca.cert } },
    },
    stop: () => server.remove(),
  };
}

async function dnsmasq(): Promise<Target> {
  const server = await startDnsmasq();
  return {
    checks: { dns: { kind: "dns", hostname: "app.test", resolver: server.address } },
    stop: () => server.remove(),
  };
}

async function grpcio(): Promise<Target> {
  const server = await startGrpcHealth();
  return { checks: { grpc: { kind: "grpc", address: server.address } }, stop: () => server.kill() };
}

async function postgres(): Promise<Target> {
  const server = await PostgresServer.start({ build: "postgresql-vector" });
  await server.query("create extension vector");
  await server.query("create table items (embedding vector(8))");
  const random = "array(select random()::real from generate_series(1, 8) where row > 0)::vector";
  await server.query(`insert into items select ${random} from generate_series(1, 200) as row`);
  const search = { table: "items", column: "embedding", minHits: 10 };
  return {
    checks: {
      postgres: { kind: "postgres", url: server.url() },
      pgvector: { kind: "pgvector", url: server.url(), ...search },
    },
    stop: () => server.remove(),
  };
}

async function redis(): Promise<Target> {
  const server = await startRedis();
  return { checks: { redis: { kind: "redis", url: server.url } }, stop: () => server.remove() };
}

const collection = "knowledge_base";
const vectors = 100;

async function milvus(): Promise<Target> {
  const server = await startMilvus();
  // Its HTTP interface, on the same port.
  const ask = (what: string, body: CheckOptions): Promise<Response> =>
    fetch(`http://${server.address}/v1/vector/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ collectionName: collection, ...body }),
    });
  await ask("collections/create", { dimension: 8 });
  const data = Array.from({ length: vectors }, () => ({ vector: Array.from({ length: 8 }, Math.random) }));
  await ask("insert", { data });
  const { address } = server;
  return {
    checks: {
      milvus: { kind: "milvus", address },
      "milvus, a collection": {
        kind: "milvus",
        address,
        collections: [{ name: collection, loaded: true, minEntities: 1 }],
      },
    },
    stop: () => server.remove(),
  };
}

async function llmock(): Promise<Target> {
  const server = await startLlmock();
  const { baseUrl } = server;
  return { checks: { "llm, mode models": { kind: "llm", baseUrl } }, stop: () => server.kill() };
}
