import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DataType, MilvusClient } from "@zilliz/milvus2-sdk-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { milvusKind } from "../../src/kinds/milvus.js";
import { requireServer } from "../servers/available.js";
import { createCertificates } from "../servers/certificates.js";
import { activeResources, leftSince } from "../servers/leftovers.js";
import { type MilvusServer, milvusRoot, startMilvus } from "../servers/milvus.js";
import { type RunOnceResult, runOnce, slackMs } from "../servers/run.js";

type Options = Readonly<Record<string, unknown>>;
const timeoutMs = 5_000;
/** Starting waits for the machine's turn, and a start after SIGKILL for the lease of the session before. */
const patienceMs = 10 * 60_000;
const dimension = 8;
const entities = 100;

/** The real server, in the order of a bad day; each part leaves it as the next one needs it. */
describe.skipIf(!requireServer("milvus") || !requireServer("openssl"))("a milvus check and Milvus 2.3.5", () => {
  let server: MilvusServer;
  beforeAll(async () => {
    server = await startMilvus();
    await fill(server);
  }, patienceMs);
  afterAll(() => server?.remove());

  const create = (options: Options = {}) =>
    milvusKind.create(milvusKind.options.parse({ address: server.address, ...options }));
  const run = async (options: Options = {}): Promise<RunOnceResult> => {
    const check = create(options);
    const result = await runOnce(check, { timeoutMs });
    await check.close?.();
    return result;
  };
  const one = (name: string, more: Options = {}) => run({ collections: [{ name, ...more }] });
  const knowledgeBase = { collections: [{ name: "knowledge_base", loaded: true, minEntities: 1 }] };

  it("is healthy, with a loaded collection and its row count", async () => {
    const { outcome } = await run(knowledgeBase);
    expect(outcome).toEqual({
      status: "healthy",
      facts: {
        version: "v2.3.5-lite",
        collections_count: 3,
        collections: [{ name: "knowledge_base", loaded: true, num_entities: entities, error: null }],
      },
    });
  });

  it("is healthy without collections, by IPv6, and with each call a span", async () => {
    const { outcome, spans } = await run({ address: `[::1]:${server.port}` });
    expect(outcome).toEqual({ status: "healthy", facts: { version: "v2.3.5-lite", collections_count: 3 } });
    expect(spans.map(({ name }) => name)).toEqual(["GetVersion", "CheckHealth", "ShowCollections"]);
    expect(spans[0]?.attributes).toEqual({
      "db.system.name": "milvus",
      "db.namespace": "default",
      "db.operation.name": "GetVersion",
      "server.address": "::1",
      "server.port": server.port,
      "network.peer.address": "::1",
      "network.peer.port": server.port,
    });
    expect(spans[0]?.phases.map(({ name }) => name)).toEqual(["connect"]);
  });

  it("takes an alias for its collection, and a connection opens for each run", async () => {
    const check = create({ collections: [{ name: "kb_alias", loaded: true, minEntities: entities }] });
    const before = activeResources();
    for (let i = 0; i < 3; i++) expect((await runOnce(check, { timeoutMs })).outcome?.status).toBe("healthy");
    expect(await leftSince(before)).toEqual([]);
    await check.close?.();
  });

  it("tells the state of all collections, those that are not loaded too", async () => {
    const { outcome } = await run({ collections: "all" });
    expect(outcome?.status).toBe("healthy");
    expect(outcome?.facts?.collections).toEqual([
      { name: "archive", loaded: false, num_entities: 0, error: null },
      { name: "bits", loaded: true, num_entities: 0, error: null },
      { name: "knowledge_base", loaded: true, num_entities: entities, error: null },
    ]);
  });

  it("searches by the field's own dimension and type", async () => {
    const found = await one("knowledge_base", { search: { field: "embedding", topK: 7, minHits: 7 } });
    expect(found.outcome).toMatchObject({ status: "healthy", facts: { hits: 7 } });
    const inBits = await one("bits", { search: { field: "hash" } });
    expect(inBits.outcome).toMatchObject({ status: "healthy", facts: { hits: 0 } });
    const expected = await one("bits", { search: { field: "hash", minHits: 1 } });
    expect(expected.failure).toMatchObject({
      reason: "threshold",
      message: "search in bits.hash found 0, fewer than 1",
      facts: { hits: 0 },
    });
  });

  it("says which collection is missing, not loaded, too small or without the field", async () => {
    const missing = await one("absent");
    expect(missing.failure).toMatchObject({ reason: "not_found", message: "collection absent does not exist" });
    const idle = await one("archive", { loaded: true });
    expect(idle.failure).toMatchObject({ reason: "unavailable", message: "collection archive is not loaded" });
    const small = await one("knowledge_base", { minEntities: 101 });
    expect(small.failure).toMatchObject({
      reason: "threshold",
      message: "collection knowledge_base has 100 entities, fewer than 101",
    });
    const field = await one("knowledge_base", { search: { field: "vector" } });
    expect(field.failure).toMatchObject({
      reason: "not_found",
      message: "collection knowledge_base has no field vector",
    });
    const title = await one("knowledge_base", { search: { field: "title" } });
    expect(title.failure?.reason).toBe("unexpected");
  });

  it("tells of every collection in the facts, though the first in trouble gives the reason", async () => {
    const { failure } = await run({
      collections: [{ name: "knowledge_base" }, { name: "absent" }, { name: "archive" }],
    });
    expect(failure?.reason).toBe("not_found");
    expect(failure?.facts.collections).toEqual([
      { name: "knowledge_base", loaded: true, num_entities: entities, error: null },
      { name: "absent", loaded: null, num_entities: null, error: "not_found" },
      { name: "archive", loaded: false, num_entities: 0, error: null },
    ]);
  });

  it("notices a database that does not exist", async () => {
    const { failure } = await run({ database: "nowhere" });
    expect(failure?.reason).toBe("not_found");
    expect(failure?.message).toContain("database");
  });

  it("is unhealthy while reads are denied, degraded while writes are, and healthy again", async () => {
    const check = create(knowledgeBase);
    const until = async (isWanted: (result: RunOnceResult) => boolean) => {
      await expect.poll(async () => isWanted(await runOnce(check, { timeoutMs })), { timeout: 40_000 }).toBe(true);
      return runOnce(check, { timeoutMs });
    };
    await server.deny({ denyToRead: true });
    const denied = await until(({ failure }) => failure !== undefined);
    expect(denied.failure).toMatchObject({ reason: "overloaded", message: "a quota of the server denies reads" });
    await server.deny({ denyToWrite: true });
    const readable = await until(({ outcome }) => outcome?.status === "degraded");
    expect(readable.outcome).toMatchObject({ reason: "overloaded", message: "a quota of the server denies writes" });
    expect(readable.outcome?.facts).toHaveProperty("collections");
    await server.deny({});
    await until(({ outcome }) => outcome?.status === "healthy");
    await check.close?.();
  }, 120_000);

  it("times out while it is frozen, and recovers by the next run", async () => {
    const check = create(knowledgeBase);
    expect((await runOnce(check, { timeoutMs })).outcome?.status).toBe("healthy");
    server.freeze();
    const frozen = await runOnce(check, { timeoutMs: 500 });
    expect(frozen.failure?.reason).toBe("timeout");
    expect(frozen.durationMs).toBeLessThan(500 + slackMs);
    server.thaw();
    await expect
      .poll(async () => (await runOnce(check, { timeoutMs })).outcome?.status, { timeout: 30_000 })
      .toBe("healthy");
    await check.close?.();
  });

  it("is refused after a kill; after the restart not ready or loading, then healthy, by the same check", async () => {
    const check = create(knowledgeBase);
    await server.kill();
    const dead = await runOnce(check, { timeoutMs });
    expect(dead.failure?.reason).toBe("refused");
    await server.startWithoutWaiting();
    const seen: string[] = [];
    const giveUpAt = Date.now() + 90_000;
    for (let last = ""; last !== "healthy" && Date.now() < giveUpAt; await delay(50)) {
      const { outcome, failure } = await runOnce(check, { timeoutMs: 3_000 });
      last = outcome?.status ?? "unhealthy";
      seen.push(`${last} ${outcome?.reason ?? failure?.reason}: ${outcome?.message ?? failure?.message}`);
      // What it calls its reasons are stack traces.
      expect(JSON.stringify([outcome, failure, failure?.detail])).not.toMatch(/stack trace|\.go:|\/milvus/);
    }
    expect(seen.at(-1)).toMatch(/^healthy/);
    // How long so small a collection loads is the server's affair: no run may see it, but none may call it anything else.
    const degraded = seen.filter((line) => line.startsWith("degraded"));
    const loading = "degraded unavailable: collection knowledge_base is still loading";
    expect(degraded).toEqual(degraded.map(() => loading));
    const reasons = seen.slice(0, -1).map((line) => line.split(/[ :]+/)[1]);
    for (const reason of reasons) expect(["refused", "timeout", "network", "unavailable"]).toContain(reason);
    await check.close?.();
  }, 180_000);

  describe("with sign-in on, over TLS", () => {
    const dir = mkdtempSync(join(tmpdir(), "healthspan-milvus-tls-"));
    let tls: { readonly ca: string };
    beforeAll(async () => {
      const { ca, server: own } = await createCertificates(dir);
      tls = { ca: ca.cert };
      await server.kill();
      await server.start({ auth: true, tls: { cert: own.certPath, key: own.keyPath } });
    }, patienceMs);
    afterAll(() => rmSync(dir, { recursive: true, force: true }));

    it("signs in by user and password, and by token", async () => {
      const { username, password, token } = milvusRoot;
      await expect
        .poll(async () => (await run({ tls, username, password })).outcome?.status, { timeout: 30_000 })
        .toBe("healthy");
      expect((await run({ tls, token })).outcome?.status).toBe("healthy");
    });

    it("calls missing and wrong credentials auth", async () => {
      expect((await run({ tls })).failure?.reason).toBe("auth");
      const wrong = await run({ tls, token: "root:wrong" });
      expect(wrong.failure).toMatchObject({ reason: "auth", message: expect.stringContaining("UNAUTHENTICATED") });
    });

    it("calls what the user may not do auth, with what is known so far", async () => {
      const user = { username: "probe", password: "probe-1" };
      await administer(server, tls.ca, (client) => client.createUser(user));
      const { outcome } = await run({ tls, ...user });
      expect(outcome?.status).toBe("healthy");
      const { failure } = await run({ tls, ...user, ...knowledgeBase });
      expect(failure).toMatchObject({ reason: "auth", facts: { version: "v2.3.5-lite", collections_count: 3 } });
      const all = await run({ tls, ...user, collections: "all" });
      expect(all.outcome).toMatchObject({ status: "degraded", reason: "auth", message: "3 of 3 collections in error" });
    });

    it("trusts nobody it was not told to trust, and sends no credentials there", async () => {
      const { failure, spans } = await run({ tls: {}, token: milvusRoot.token });
      expect(failure?.reason).toBe("tls");
      expect(spans).toHaveLength(1);
    });

    it("tells plain text to a TLS port from a server that is down", async () => {
      expect(["network", "protocol"]).toContain((await run()).failure?.reason);
    });
  });
});

/** An administrator's client; our own checks only read. */
async function administer<Result>(
  server: MilvusServer,
  ca: string | undefined,
  work: (client: MilvusClient) => Promise<Result>,
): Promise<Result> {
  const client = new MilvusClient({
    address: server.address,
    __SKIP_CONNECT__: true,
    telemetry: { enabled: false },
    logLevel: "error",
    ...(ca !== undefined && { token: milvusRoot.token, tls: { rootCert: Buffer.from(ca) } }),
  });
  const result = await work(client);
  await client.closeConnection();
  return result;
}

/** A collection with vectors, loaded; one of bits, loaded and empty; one that is not loaded. */
async function fill(server: MilvusServer): Promise<void> {
  await administer(server, undefined, async (client) => {
    const key = { name: "id", data_type: DataType.Int64, is_primary_key: true, autoID: true };
    const vectors = { name: "embedding", data_type: DataType.FloatVector, dim: dimension };
    const title = { name: "title", data_type: DataType.VarChar, max_length: 64 };
    const hash = { name: "hash", data_type: DataType.BinaryVector, dim: 16 };
    await client.createCollection({ collection_name: "knowledge_base", fields: [key, vectors, title] });
    await client.createCollection({ collection_name: "bits", fields: [key, hash] });
    await client.createCollection({ collection_name: "archive", fields: [key, vectors] });
    const rows = Array.from({ length: entities }, (_none, row) => ({
      embedding: Array<number>(dimension).fill(row / entities),
      title: `document ${row}`,
    }));
    await client.insert({ collection_name: "knowledge_base", data: rows });
    await client.flushSync({ collection_names: ["knowledge_base"] });
    const index = { collection_name: "knowledge_base", field_name: "embedding" };
    await client.createIndex({ ...index, index_type: "FLAT", metric_type: "COSINE" });
    await client.createIndex({
      collection_name: "bits",
      field_name: "hash",
      index_type: "BIN_FLAT",
      metric_type: "JACCARD",
    });
    await client.loadCollectionSync({ collection_name: "knowledge_base" });
    await client.loadCollectionSync({ collection_name: "bits" });
    await client.createAlias({ collection_name: "knowledge_base", alias: "kb_alias" });
  });
}
