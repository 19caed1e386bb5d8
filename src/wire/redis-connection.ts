import type { AbstractConnector, Redis, RedisOptions } from "ioredis";
import { CheckFailure } from "../check.js";
import type { Address } from "./address.js";
import { latePackage } from "./late-module.js";
import { errorCode } from "./network-failure.js";
import { createConnector } from "./redis-connector.js";
import { isClosedError, isNeedlessPassword, redisFailure } from "./redis-failure.js";
import { explainBreak, explainHandshake } from "./redis-second-look.js";
import { RespGuard } from "./resp-guard.js";
import { type TlsOptions, toConnectionOptions } from "./tls-options.js";

/** One server and who we are there. */
export interface RedisServer {
  readonly address: Address;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The database to select; 0 needs no selecting. */
  readonly db: number;
  /** Given, even empty: TLS. */
  readonly tls?: TlsOptions | undefined;
}

/** The time there is to connect. */
export interface Attempt {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** A Redis without TLS may never answer a TLS greeting; the rest of the time is for finding that out. */
const handshakeShare = 0.6;
const keepAliveMs = 30_000;

/** Connects and signs in; throws a `CheckFailure`, after which nothing is left open. */
export async function connectRedis(server: RedisServer, attempt: Attempt): Promise<RedisConnection> {
  const client = await loadClient();
  if (attempt.signal.aborted) throw attempt.signal.reason;
  const guard = new RespGuard();
  const connection = new RedisConnection(new client.Redis(clientOptions(client, server, attempt, guard)), guard);
  const destroy = () => connection.destroy();
  attempt.signal.addEventListener("abort", destroy, { once: true });
  let isOpen = false;
  try {
    await connection.open();
    isOpen = true;
    await connection.signIn(server);
    return connection;
  } catch (error) {
    connection.destroy();
    if (attempt.signal.aborted) throw attempt.signal.reason;
    throw await (isOpen
      ? explainBreak(error, server, attempt.signal)
      : explainHandshake(error, server, attempt.signal));
  } finally {
    attempt.signal.removeEventListener("abort", destroy);
  }
}

/** What is used of a client. Named here: a program without the package could not compile against types that do. */
interface RedisClient {
  readonly status: string;
  on(event: "error", listener: (error: unknown) => void): unknown;
  connect(): Promise<void>;
  call(command: string, ...args: readonly string[]): Promise<unknown>;
  disconnect(): void;
}

/** One connection to one server. It never reconnects: a broken one is replaced, by whoever runs next. */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #guard: RespGuard;
  /** `connect()` rejects without a cause; it is in the latest `error` event. */
  #latestError: unknown;

  constructor(client: RedisClient, guard: RespGuard) {
    this.#client = client;
    this.#guard = guard;
    // A client without this listener writes to the console.
    client.on("error", (error) => {
      this.#latestError = error;
    });
  }

  get isOpen(): boolean {
    return this.#client.status === "ready";
  }

  async open(): Promise<void> {
    await this.#client.connect().catch((error) => {
      throw this.#failure(error, "connect");
    });
  }

  /** Sent at once, answered in order: one round trip. */
  async signIn({ username, password, db }: RedisServer): Promise<void> {
    const steps = await Promise.allSettled([
      ...(username !== undefined || password !== undefined ? [this.#login(username, password ?? "")] : []),
      ...(db > 0 ? [this.command("SELECT", String(db))] : []),
      this.#introduce(),
    ]);
    const failed = steps.find((step) => step.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** One command; throws a `CheckFailure` that holds nothing of the command's arguments. */
  async command(name: string, ...args: readonly string[]): Promise<unknown> {
    try {
      return await this.#send(name, ...args);
    } catch (error) {
      throw this.#failure(error, name);
    }
  }

  /** Throws a `CheckFailure` unless it is answered by PONG. */
  async ping(): Promise<void> {
    expectPong(await this.command("PING"));
  }

  /** Closes the socket; pending commands are rejected. Safe at any time, and twice. */
  destroy(): void {
    this.#client.disconnect();
  }

  async #login(username: string | undefined, password: string): Promise<void> {
    try {
      await this.#send("AUTH", ...(username === undefined ? [password] : [username, password]));
    } catch (error) {
      if (!isNeedlessPassword(error)) throw this.#failure(error, "AUTH");
    }
  }

  /** For people who read CLIENT LIST. Where that is not permitted or not known, PING tells what else is wrong. */
  async #introduce(): Promise<void> {
    try {
      await this.command("CLIENT", "SETNAME", "healthspan");
    } catch (error) {
      const isOptional = error instanceof CheckFailure && ["unexpected", "unavailable"].includes(error.reason);
      if (!isOptional && !["NOAUTH", "NOPERM"].includes(errorCode(error) ?? "")) throw error;
    }
  }

  #failure(error: unknown, command: string): CheckFailure {
    const isCauseKnown = !isClosedError(error) || this.#latestError === undefined;
    return redisFailure(isCauseKnown ? error : this.#latestError, command);
  }

  #send(name: string, ...args: readonly string[]): Promise<unknown> {
    this.#guard.expect();
    return this.#client.call(name, ...args);
  }
}

/** Throws unless it is the answer to a PING. */
export function expectPong(answer: unknown): void {
  if (answer !== "PONG") throw new CheckFailure("unexpected", "answered PING with something else than PONG");
}

function clientOptions(
  { AbstractConnector }: ClientModule,
  { address, tls }: RedisServer,
  { timeoutMs }: Attempt,
  guard: RespGuard,
) {
  const connectionOptions = tls && toConnectionOptions(tls, address.host);
  return {
    Connector: createConnector(AbstractConnector, { address, tls: connectionOptions, guard }),
    // For whoever traces the client; it is the connector that connects.
    host: address.host,
    port: address.port,
    // Tells the client to wait for the handshake.
    ...(connectionOptions && { tls: connectionOptions }),
    connectTimeout: Math.max(1, Math.round(tls ? timeoutMs * handshakeShare : timeoutMs)),
    lazyConnect: true,
    // Between runs the connection is idle, which routers on the way forget.
    keepAlive: keepAliveMs,
    // We sign in ourselves: the client's own way needs the permission to HELLO, says no more than an event when the
    // database does not exist, and writes to the console when the server has no password.
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: null,
  } satisfies RedisOptions;
}

/** What is used of the package. */
interface ClientModule {
  readonly Redis: typeof Redis;
  readonly AbstractConnector: typeof AbstractConnector;
}

const loadClient = latePackage<ClientModule>("ioredis@6", () => import("ioredis"));
