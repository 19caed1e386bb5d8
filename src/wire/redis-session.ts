import { CheckFailure } from "../check.js";
import type { Address } from "./address.js";
import type { Attempt } from "./redis-connection.js";
import { type ConnectedRedis, connectTarget, type RedisTarget } from "./redis-topology.js";

/** When a connection was made within a PING, by `performance.now()`. */
export interface ConnectTimes {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Holds one connection from run to run. It is made inside a run, under the run's deadline, and nothing is retried in
 * between: while the server is down there is no timer and no socket.
 */
export class RedisSession {
  readonly target: RedisTarget;
  #connected: ConnectedRedis | undefined;

  constructor(target: RedisTarget) {
    this.target = target;
  }

  /** Where the connection leads, or will lead; undefined while that has to be asked for. */
  get address(): Address | undefined {
    return this.#connected?.address ?? ("server" in this.target.place ? this.target.place.server : undefined);
  }

  get isConnected(): boolean {
    return this.#connected !== undefined;
  }

  /**
   * Sends PING, connecting first where there is no connection. One that broke since the last run is no news about the
   * server: it is replaced.
   */
  async ping(attempt: Attempt): Promise<ConnectTimes | undefined> {
    const held = this.#connected?.connection;
    if (held?.isOpen) {
      try {
        await held.ping();
        return undefined;
      } catch (error) {
        if (attempt.signal.aborted || !isBroken(error)) throw error;
      }
    }
    this.drop();
    const startMs = performance.now();
    const connected = await connectTarget(this.target, attempt);
    this.#connected = connected;
    if (attempt.signal.aborted) this.drop();
    const endMs = performance.now();
    await connected.connection.ping();
    return { startMs, endMs };
  }

  /** One command on the connection that `ping` left; throws a `CheckFailure`. */
  async command(name: string, ...args: readonly string[]): Promise<unknown> {
    if (!this.#connected) throw new CheckFailure("network", "connection broken");
    return this.#connected.connection.command(name, ...args);
  }

  /** Closes the connection; the next `ping` makes another. */
  drop(): void {
    this.#connected?.connection.destroy();
    this.#connected = undefined;
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof CheckFailure && error.reason === "network";
}
