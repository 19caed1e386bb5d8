import {
  type Check,
  CheckFailure,
  type CheckKind,
  type CheckRun,
  type ClientSpan,
  cleanText,
  type Facts,
  type FactTable,
  type FactValue,
  type Outcome,
  type SpanAttributes,
} from "../check.js";
import { attr } from "../semconv.js";
import type { Address } from "../wire/address.js";
import { errorCode, reasonOfCode } from "../wire/network-failure.js";
import type { Attempt, RedisConnection } from "../wire/redis-connection.js";
import { redisFailure } from "../wire/redis-failure.js";
import { infoNumber, parseRedisInfo, type RedisInfo } from "../wire/redis-info.js";
import { type RedisOptions, redisOptions, targetOf } from "../wire/redis-options.js";
import { type ConnectedRedis, connectTarget, type RedisTarget } from "../wire/redis-topology.js";

const facts: FactTable = {
  redis_version: { type: "string", description: "Version of the server; of Valkey, Valkey's own." },
  role: { type: "string", description: "`master` or `slave`, as INFO says it." },
  connected_clients: {
    type: "number",
    description: "Clients connected, this check included.",
    metric: { name: "health.redis.clients.connected", unit: "{client}" },
  },
  used_memory_human: { type: "string", description: "Memory in use, for people: `1.2M`." },
  used_memory_bytes: {
    type: "number",
    unit: "By",
    description: "Memory in use.",
    metric: { name: "health.redis.memory.used", unit: "By" },
  },
  used_memory_percent: {
    type: "number",
    unit: "%",
    description: "Memory in use, of `maxmemory`; absent when there is no limit.",
    metric: { name: "health.redis.memory.utilization", unit: "1", scale: 0.01 },
  },
  replication_link_up: {
    type: "boolean",
    description: "On a replica: the link to its master is up. Absent on a master.",
    metric: { name: "health.redis.replication.link_up", unit: "1" },
  },
  loading: {
    type: "boolean",
    description: "It is reading its data set from disk and answers no command yet.",
    metric: { name: "health.redis.loading", unit: "1" },
  },
};

/** What is used of the app's own client: `ioredis` (single or `Cluster`), `redis` and whatever answers these. */
export interface RedisSubset {
  ping(): Promise<unknown>;
  info(): Promise<unknown>;
  cluster?(subcommand: "INFO"): Promise<unknown>;
}

export const redisKind: CheckKind<RedisOptions, { readonly client: RedisSubset }> = {
  kind: "redis",
  summary: "The server answers PING, and nothing in its INFO says that it cannot serve.",
  options: redisOptions,
  facts,
  defaults: { intervalMs: 60_000, timeoutMs: 3_000 },
  create: (given, injected) => (injected ? createBorrowing(injected.client) : new RedisCheck(targetOf(given))),
  discover: (environment) =>
    environment.REDIS_URL
      ? { name: "redis", critical: false, options: { url: "${env:REDIS_URL}" }, because: "REDIS_URL is set" }
      : undefined,
  fromUrl: (url) => (url.protocol === "redis:" || url.protocol === "rediss:" ? { url: url.href } : undefined),
};

/** Sends one command; throws a `CheckFailure`. */
type Send = (command: "INFO" | "CLUSTER INFO") => Promise<unknown>;

/**
 * Holds one connection from run to run. It is made inside a run, under the run's deadline, and nothing is retried in
 * between: while the server is down there is no timer and no socket.
 */
class RedisCheck implements Check {
  readonly #target: RedisTarget;
  #connected: ConnectedRedis | undefined;
  #stop: AbortController | undefined;
  #isClosed = false;

  constructor(target: RedisTarget) {
    this.#target = target;
  }

  async run(run: CheckRun): Promise<Outcome> {
    if (this.#isClosed) throw closedFailure();
    const stop = new AbortController();
    const abort = () => stop.abort(run.signal.reason);
    stop.signal.addEventListener("abort", () => this.#drop(), { once: true });
    run.signal.addEventListener("abort", abort, { once: true });
    if (run.signal.aborted) abort();
    this.#stop = stop;
    try {
      return await this.#askMaster(run, { signal: stop.signal, timeoutMs: run.timeoutMs });
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error;
    } finally {
      run.signal.removeEventListener("abort", abort);
      this.#stop = undefined;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.abort(closedFailure());
    this.#drop();
  }

  /** Behind sentinels: a replica at the other end means that a failover left our connection alone. */
  async #askMaster(run: CheckRun, attempt: Attempt): Promise<Outcome> {
    const outcome = await this.#ask(run, attempt);
    if (!("sentinel" in this.#target.place) || outcome.facts?.role !== "slave") return outcome;
    this.#drop();
    const second = await this.#ask(run, attempt);
    if (second.facts?.role !== "slave") return second;
    const message = "the node that the sentinels name as master is a replica";
    throw new CheckFailure("unavailable", message, { facts: second.facts });
  }

  async #ask(run: CheckRun, attempt: Attempt): Promise<Outcome> {
    const refusal = await this.#traced(run, "PING", (span) => this.#ping(span, attempt)).then(
      () => undefined,
      refusalOf,
    );
    const { connection } = this.#connected ?? {};
    if (!connection) throw refusal ?? new CheckFailure("network", "connection broken");
    const isCluster = "cluster" in this.#target.place;
    return judge(
      await report((command) => this.#traced(run, command, () => sendTo(connection, command)), isCluster),
      refusal,
    );
  }

  /** A connection that broke since the last run is no news about the server: it is replaced within the run. */
  async #ping(span: ClientSpan, attempt: Attempt): Promise<void> {
    const held = this.#connected;
    if (held?.connection.isOpen) {
      try {
        return expectPong(await held.connection.command("PING"));
      } catch (error) {
        if (attempt.signal.aborted || !isBroken(error)) throw error;
      }
    }
    this.#drop();
    const startMs = performance.now();
    const connected = await connectTarget(this.#target, attempt);
    this.#hold(connected, attempt);
    span.phase("connect", startMs, performance.now());
    span.set(addressAttributes(connected.address));
    expectPong(await connected.connection.command("PING"));
  }

  #hold(connected: ConnectedRedis, attempt: Attempt): void {
    this.#connected = connected;
    if (attempt.signal.aborted) this.#drop();
  }

  #drop(): void {
    this.#connected?.connection.destroy();
    this.#connected = undefined;
  }

  #traced<Result>(run: CheckRun, operation: string, call: (span: ClientSpan) => Promise<Result>): Promise<Result> {
    return run.trace.client(operation, this.#attributes(operation), async (span) => {
      try {
        return await call(span);
      } catch (error) {
        span.set({ [attr.dbResponseStatusCode]: replyCode(error) });
        throw error;
      }
    });
  }

  #attributes(operation: string): SpanAttributes {
    const { place, db } = this.#target;
    const address = this.#connected?.address ?? ("server" in place ? place.server : undefined);
    return {
      [attr.dbSystemName]: "redis",
      [attr.dbOperationName]: operation,
      [attr.dbNamespace]: String(db),
      ...(address && addressAttributes(address)),
    };
  }
}

function sendTo(connection: RedisConnection, command: string): Promise<unknown> {
  const [name = command, ...args] = command.split(" ");
  return connection.command(name, ...args);
}

function closedFailure(): CheckFailure {
  return new CheckFailure("unavailable", "the check was closed");
}

function addressAttributes({ host, port }: Address): SpanAttributes {
  return { [attr.serverAddress]: host, [attr.serverPort]: port };
}

/** The app's own client: never closed, never given a listener; what hangs in it is left behind at the deadline. */
function createBorrowing(client: RedisSubset): Check {
  return {
    async run({ signal }) {
      const send = async (name: string, call: () => Promise<unknown> | undefined): Promise<unknown> => {
        try {
          return await orAborted(signal, call());
        } catch (error) {
          throw redisFailure(error, name);
        }
      };
      const refusal = await send("PING", () => client.ping())
        .then(expectPong)
        .catch(refusalOf);
      const asked = await report((command) =>
        send(command, () => (command === "INFO" ? client.info() : client.cluster?.("INFO"))),
      );
      return judge(asked, refusal ?? undefined);
    },
  };
}

function orAborted<Result>(signal: AbortSignal, promise: Result | Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    Promise.resolve(promise)
      .finally(() => signal.removeEventListener("abort", abort))
      .then(resolve, reject);
  });
}

function expectPong(answer: unknown): undefined {
  if (answer !== "PONG") throw new CheckFailure("unexpected", "answered PING with something else than PONG");
}

/** A server that refuses PING for what it is going through still answers INFO; any other failure ends the run. */
function refusalOf(error: unknown): CheckFailure {
  if (error instanceof CheckFailure && error.reason === "unavailable") return error;
  throw error;
}

function isBroken(error: unknown): boolean {
  return error instanceof CheckFailure && error.reason === "network";
}

function replyCode(error: unknown): string | undefined {
  const code = error instanceof CheckFailure ? errorCode(error) : undefined;
  return reasonOfCode(code) === undefined ? code : undefined;
}

/** What the server says about itself; each part is absent where this user may not ask or the server does not know it. */
interface SelfReport {
  readonly info?: RedisInfo | undefined;
  readonly cluster?: RedisInfo | undefined;
}

async function report(send: Send, isCluster = false): Promise<SelfReport> {
  const info = await ask(send, "INFO");
  // Valkey calls it `server_mode`.
  const mode = info?.get("redis_mode") ?? info?.get("server_mode");
  return isCluster || mode === "cluster" ? { info, cluster: await ask(send, "CLUSTER INFO") } : { info };
}

/** Undefined when the server answers with an error: a monitoring user needs no more than PING. */
async function ask(send: Send, command: "INFO" | "CLUSTER INFO"): Promise<RedisInfo | undefined> {
  try {
    const answer = await send(command);
    return typeof answer === "string" ? parseRedisInfo(answer) : undefined;
  } catch (error) {
    if (replyCode(error) === undefined) throw error;
    return undefined;
  }
}

/** What PING does not show. */
function judge({ info, cluster }: SelfReport, refusal: CheckFailure | undefined): Outcome {
  const facts = info ? factsOf(info) : {};
  if (refusal && replyCode(refusal) !== "MISCONF") throw withFacts(refusal, facts);
  if (facts.loading) throw new CheckFailure("unavailable", "loading its data set", { facts });
  if (cluster?.get("cluster_state") === "fail") {
    throw new CheckFailure("unavailable", "the cluster is down: cluster_state is fail", { facts });
  }
  const degraded = (reason: "unavailable" | "overloaded", message: string): Outcome => ({
    status: "degraded",
    reason,
    message,
    facts,
  });
  if (refusal) return degraded("unavailable", refusal.message);
  if (facts.replication_link_up === false) return degraded("unavailable", "the link to its master is down");
  if (info && isFull(info))
    return degraded("overloaded", "memory is full and maxmemory-policy is noeviction: writes refused");
  return { status: "healthy", facts };
}

function withFacts({ reason, message, detail, cause }: CheckFailure, facts: Facts): CheckFailure {
  return new CheckFailure(reason, message, { facts, cause, ...(detail !== undefined && { detail }) });
}

/** Replicas take what their master sends, whatever their own limit says (`replica-ignore-maxmemory`). */
function isFull(info: RedisInfo): boolean {
  const limit = infoNumber(info, "maxmemory") ?? 0;
  const used = (infoNumber(info, "used_memory") ?? 0) - (infoNumber(info, "mem_not_counted_for_evict") ?? 0);
  return limit > 0 && used >= limit && info.get("maxmemory_policy") === "noeviction" && info.get("role") !== "slave";
}

function factsOf(info: RedisInfo): Facts {
  const text = (field: string): string | undefined => {
    const value = info.get(field);
    return value === undefined ? undefined : cleanText(value);
  };
  const usedBytes = infoNumber(info, "used_memory");
  const limitBytes = infoNumber(info, "maxmemory") ?? 0;
  const link = info.get("master_link_status");
  const loading = info.get("loading");
  return present({
    redis_version: text("valkey_version") ?? text("redis_version"),
    role: text("role"),
    connected_clients: infoNumber(info, "connected_clients"),
    used_memory_human: text("used_memory_human"),
    used_memory_bytes: usedBytes,
    used_memory_percent: usedBytes === undefined || limitBytes <= 0 ? undefined : percent(usedBytes / limitBytes),
    replication_link_up: link === undefined ? undefined : link === "up",
    loading: loading === undefined ? undefined : loading !== "0",
  });
}

function percent(share: number): number {
  return Math.round(share * 10_000) / 100;
}

function present(values: Readonly<Record<string, FactValue | undefined>>): Facts {
  const known: Record<string, FactValue> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) known[name] = value;
  return known;
}
