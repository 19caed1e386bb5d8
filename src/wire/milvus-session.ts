import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { CheckFailure, type ClientSpan } from "../check.js";
import type { Address } from "./address.js";
import { GrpcConnection, grpcFailure } from "./grpc-connection.js";
import { lateModule, latePackage } from "./late-module.js";
import { MilvusChannel } from "./milvus-channel.js";
import { expectSuccess, type MilvusStatus } from "./milvus-failure.js";
import type { SecureDialer } from "./secure-socket.js";
import type { TlsOptions } from "./tls-options.js";

/** One server and who we are there. */
export interface MilvusTarget {
  readonly socket: Address;
  /** `host:port`, as configured. */
  readonly address: string;
  readonly token?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database: string;
  /** Given, even empty: TLS. */
  readonly tls?: TlsOptions | undefined;
}

/** The time there is. */
export interface Attempt {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

export type { MilvusClient };
/** Calls at the same time, for checks that look at many collections. */
export const parallelCalls = 8;

/**
 * The SDK's client, one for each check, on a connection of its own for each run: between runs nothing is open, and a
 * run that is called off leaves nothing behind.
 */
export class MilvusSession {
  readonly #target: MilvusTarget;
  readonly #channel = new MilvusChannel();
  #client: MilvusClient | undefined;
  #connection: GrpcConnection | undefined;
  #dialer: SecureDialer | undefined;

  constructor(target: MilvusTarget) {
    this.#target = target;
  }

  /**
   * Connects, and loads the SDK once somebody speaks HTTP/2 there; throws a `CheckFailure`. Credentials are sent by the
   * calls that follow.
   */
  async connect(span: ClientSpan, { signal, timeoutMs }: Attempt): Promise<void> {
    // A run that was called off while modules were loading must not take the place of the next one's connection.
    signal.throwIfAborted();
    const { socket, address, tls } = this.#target;
    const connection = new GrpcConnection(socket, signal);
    this.#connection = connection;
    try {
      await connection.open(span, tls && (await this.#secureDialer(tls)));
      await connection.greeted();
    } catch (error) {
      throw await this.#explained(grpcFailure(error, signal), signal);
    }
    this.#client ??= createClient(await loadClient(), this.#target, this.#channel);
    signal.throwIfAborted();
    this.#channel.route = { connection, signal, timeoutMs, authority: address, isSecure: tls !== undefined };
  }

  /** One question by the SDK; throws a `CheckFailure` unless the answer calls itself a success. */
  async ask<Answer extends object>(
    operation: string,
    call: (client: MilvusClient) => Promise<Answer>,
  ): Promise<Answer> {
    if (!this.#client) throw new CheckFailure("network", "the connection was closed");
    const answer = await call(this.#client).catch((error: unknown) => {
      throw this.#channel.causeOf(error) ?? clientFailure(error, operation);
    });
    // Every answer has one; not every type of the SDK says so.
    expectSuccess((answer as { readonly status?: MilvusStatus | null }).status, operation);
    return answer;
  }

  /** Closes the connection; calls under way are rejected. The client holds nothing open of its own. */
  disconnect(): void {
    this.#channel.route = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** A server that wants a certificate of ours may just be gone: then it is asked what it has against us. */
  async #explained(failure: unknown, signal: AbortSignal): Promise<unknown> {
    const isBroken = failure instanceof CheckFailure && failure.reason === "network";
    if (!this.#dialer || !isBroken) return failure;
    const { objectionOf } = await loadObjection();
    return (await objectionOf(this.#target.socket, this.#dialer, signal)) ?? failure;
  }

  async #secureDialer(tls: TlsOptions): Promise<SecureDialer> {
    const { createSecureDialer } = await loadSecureSocket();
    this.#dialer ??= createSecureDialer(tls, this.#target.socket.host, ["h2"]);
    return this.#dialer;
  }
}

/** INTERNAL: what grpc-js makes of an answer that it cannot decode. */
const notDecoded = 13;

/** An error that is the client's own: it could not read the answer, or stumbled over what was in it. */
function clientFailure(error: unknown, operation: string): CheckFailure {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const detail = error instanceof Error ? error.message : String(error);
  if (code === notDecoded) {
    return new CheckFailure("protocol", `answered ${operation} with something else than Milvus does`, { detail });
  }
  return new CheckFailure("unexpected", `the client can make nothing of the answer to ${operation}`, { detail });
}

type Package = typeof import("@zilliz/milvus2-sdk-node");

const loadObjection = lateModule(() => import("./tls-objection.js"));
const loadSecureSocket = lateModule(() => import("./secure-socket.js"));
const loadPackage = latePackage<Package>("@zilliz/milvus2-sdk-node@3", () => import("@zilliz/milvus2-sdk-node"));

async function loadClient(): Promise<Package> {
  const loaded = await loadPackage();
  // Under these it writes every request to the console; who wants that in an application says so by the logger's level.
  const { logger } = loaded;
  if (logger.level === "debug" && /^(test|debug)$/.test(process.env.NODE_ENV ?? "")) logger.level = "info";
  return loaded;
}

function createClient({ MilvusClient }: Package, target: MilvusTarget, channel: MilvusChannel): MilvusClient {
  const { token, username, password, database } = target;
  return new MilvusClient({
    // Only our channel knows where the server is: nothing else can connect there, nor send credentials.
    address: "milvus.invalid:19530",
    ...(token !== undefined && { token }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    database,
    // Otherwise a name with `global-cluster` in it has it fetch and refresh the cluster's topology.
    isGlobal: false,
    // It would connect by itself, and an unhandled rejection ends the process.
    __SKIP_CONNECT__: true,
    // Heartbeats with the host's name every 10 s, and it obeys what the server answers.
    telemetry: { enabled: false },
    // Spans are ours.
    trace: false,
    maxRetries: 0,
    pool: { min: 0, max: parallelCalls },
    channelOptions: { channelFactoryOverride: () => channel },
  });
}
