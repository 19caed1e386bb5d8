import { connect, isIP, type Socket, type TcpSocketConnectOpts } from "node:net";
import type { Cancellation } from "../check.js";
import { guardedLookup } from "./guarded-lookup.js";

export interface SocketTarget {
  /** A name or an address, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
  readonly ipFamily?: 4 | 6 | undefined;
}

/** Hears what comes over a connection, from the moment it stands. */
export interface ByteListener {
  /** The bytes are the socket's: valid until it returns. */
  bytes(bytes: Buffer): void;
  /** The peer says no more. */
  closed(): void;
  failed(error: unknown): void;
}

/**
 * What all plain sockets read into, one after another. Of its own a socket would get 64 KiB for each read, which costs a
 * run some microseconds and, when many answer at once, tens of megabytes.
 */
const sharedBytes = Buffer.allocUnsafeSlow(65_536);

/** Opens a socket that is still connecting: `net.connect`, or `tls.connect` with what it needs besides. */
export type Dial = (options: TcpSocketConnectOpts) => Socket;

/** Whose a socket is, until it is closed. */
const owner = Symbol("owner");
type OwnedSocket = Socket & { [owner]?: OpenSocket | undefined };

/** Who reads, until the socket is closed. */
interface Ears {
  listener: ByteListener | undefined;
}

/**
 * One fresh connection, held by the run's signal until `close`: an abort destroys the socket and rejects whatever is
 * awaited of it, even when the socket has nothing left to say. Times are of `performance.now()`.
 *
 * A socket that was connected outlives young collections (1 KB each, seen with Node 20), and so does all that it leads to.
 * That is why its listeners are everybody's, and find the connection by a name that `close` takes away.
 */
export class OpenSocket {
  readonly socket: Socket;
  readonly startMs = performance.now();
  /** Undefined when the host is an address, and until the name is resolved. */
  dnsEndMs: number | undefined;
  /** Undefined until connected. */
  connectEndMs: number | undefined;
  private readonly ears: Ears;
  private onConnected: (() => void) | undefined;
  private rejectConnected: ((reason: unknown) => void) | undefined;
  private rejectStage: ((reason: unknown) => void) | undefined;
  private readonly onAbort = () => {
    this.socket.destroy(this.cancellation.reason as Error);
    this.rejectStage?.(this.cancellation.reason);
  };

  constructor(
    private readonly target: SocketTarget,
    private readonly cancellation: Cancellation,
    dial: Dial = connect,
    listener?: ByteListener,
  ) {
    cancellation.throwIfAborted();
    const { host, port, ipFamily } = target;
    const isShared = listener !== undefined && dial === connect;
    this.ears = { listener };
    const onread = isShared ? readingFor(this.ears) : undefined;
    const socket: OwnedSocket = dial({ host, port, family: ipFamily, lookup: guardedLookup, onread });
    this.socket = socket;
    socket[owner] = this;
    socket.on("connect", onConnect);
    // Stays for the socket's life: an error that nobody listens to ends the process.
    socket.on("error", onError);
    // TLS sockets know no `onread`.
    if (listener && !isShared) socket.on("data", onData);
    if (listener) socket.on("end", onEnd);
    if (isIP(host) === 0) socket.on("lookup", onLookup);
    cancellation.addEventListener("abort", this.onAbort);
  }

  /** Something awaited of this connection, one at a time; the signal ends it with its reason. */
  stage<Result>(begin: (resolve: (result: Result) => void, reject: (error: unknown) => void) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.cancellation.aborted) return reject(this.cancellation.reason);
      // It broke between two stages, when nobody was listening.
      if (this.socket.errored) return reject(this.socket.errored);
      this.rejectStage = reject;
      begin(resolve, reject);
    });
  }

  /** Resolves when connected; rejects with the socket's error, or with the signal's reason. */
  connected(): Promise<void> {
    return this.stage((resolve, reject) => {
      this.onConnected = resolve;
      this.rejectConnected = reject;
    });
  }

  /** Who was connected to. Only a name makes it worth asking the kernel. */
  get peerAddress(): string | undefined {
    return this.dnsEndMs === undefined ? this.target.host : this.socket.remoteAddress;
  }

  get dnsMs(): number | undefined {
    return this.dnsEndMs === undefined ? undefined : roundMs(this.dnsEndMs - this.startMs);
  }

  /** From the resolved address (or the start) to the connection. */
  get connectMs(): number | undefined {
    return this.connectEndMs === undefined ? undefined : roundMs(this.connectEndMs - (this.dnsEndMs ?? this.startMs));
  }

  close(): void {
    this.cancellation.removeEventListener("abort", this.onAbort);
    this.socket.destroy();
    (this.socket as OwnedSocket)[owner] = undefined;
    this.ears.listener = undefined;
  }

  /** For the socket's listeners, which are no part of any connection. */
  looksUp(): void {
    this.dnsEndMs = performance.now();
  }

  connects(): void {
    this.connectEndMs = performance.now();
    this.onConnected?.();
  }

  breaks(error: unknown): void {
    this.rejectConnected?.(error);
    this.ears.listener?.failed(error);
  }

  hears(bytes: Buffer): void {
    this.ears.listener?.bytes(bytes);
  }

  ends(): void {
    this.ears.listener?.closed();
  }
}

function onLookup(this: OwnedSocket): void {
  this[owner]?.looksUp();
}

function onConnect(this: OwnedSocket): void {
  this[owner]?.connects();
}

function onError(this: OwnedSocket, error: Error): void {
  this[owner]?.breaks(error);
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  this[owner]?.hears(bytes);
}

function onEnd(this: OwnedSocket): void {
  this[owner]?.ends();
}

function readingFor(ears: Ears): NonNullable<TcpSocketConnectOpts["onread"]> {
  return {
    buffer: sharedBytes,
    callback: (length) => {
      ears.listener?.bytes(sharedBytes.subarray(0, length));
      return true;
    },
  };
}

/** Milliseconds to the microsecond: what lies below is noise. */
export function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
