import { connect, isIP, type Socket, type TcpSocketConnectOpts } from "node:net";
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

/**
 * One fresh connection, held by the run's signal until `close`: an abort destroys the socket and rejects whatever is
 * awaited of it, even when the socket has nothing left to say. Times are of `performance.now()`.
 */
export class OpenSocket {
  readonly socket: Socket;
  readonly startMs = performance.now();
  /** Undefined when the host is an address, and until the name is resolved. */
  dnsEndMs: number | undefined;
  /** Undefined until connected. */
  connectEndMs: number | undefined;
  private rejectStage: ((reason: unknown) => void) | undefined;
  private readonly onAbort = () => {
    this.socket.destroy(this.signal.reason);
    this.rejectStage?.(this.signal.reason);
  };

  constructor(
    private readonly target: SocketTarget,
    private readonly signal: AbortSignal,
    dial: Dial = connect,
    listener?: ByteListener,
  ) {
    signal.throwIfAborted();
    const { host, port, ipFamily } = target;
    const options = { host, port, family: ipFamily, lookup: guardedLookup };
    const isShared = listener !== undefined && dial === connect;
    this.socket = dial(isShared ? { ...options, onread: readingFor(listener) } : options);
    if (listener) hear(this.socket, listener, isShared);
    signal.addEventListener("abort", this.onAbort);
    if (isIP(target.host) === 0) this.socket.once("lookup", () => (this.dnsEndMs = performance.now()));
  }

  /** Something awaited of this connection, one at a time; the signal ends it with its reason. */
  stage<Result>(begin: (resolve: (result: Result) => void, reject: (error: unknown) => void) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) return reject(this.signal.reason);
      // It broke between two stages, when nobody was listening.
      if (this.socket.errored) return reject(this.socket.errored);
      this.rejectStage = reject;
      begin(resolve, reject);
    });
  }

  /** Resolves when connected; rejects with the socket's error, or with the signal's reason. */
  connected(): Promise<void> {
    return this.stage((resolve, reject) => {
      // Stays for the socket's life: an error that nobody listens to ends the process.
      this.socket.on("error", reject);
      this.socket.once("connect", () => {
        this.connectEndMs = performance.now();
        resolve();
      });
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
    this.signal.removeEventListener("abort", this.onAbort);
    this.socket.destroy();
  }
}

/** TLS sockets know no `onread`. */
function hear(socket: Socket, listener: ByteListener, isShared: boolean): void {
  if (!isShared) socket.on("data", (bytes: Buffer) => listener.bytes(bytes));
  socket.on("end", () => listener.closed());
  socket.on("error", (error) => listener.failed(error));
}

function readingFor(listener: ByteListener): NonNullable<TcpSocketConnectOpts["onread"]> {
  return {
    buffer: sharedBytes,
    callback: (length) => {
      listener.bytes(sharedBytes.subarray(0, length));
      return true;
    },
  };
}

/** Milliseconds to the microsecond: what lies below is noise. */
export function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
