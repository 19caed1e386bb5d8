import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Handler } from "./answer.js";
import type { ServerSettings } from "./settings.js";

/** Limits against clients that are slow, greedy or hostile. Milliseconds, bytes, connections. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  /** How often the two above are looked at; Node's own 30 s would let a slow client hold on that long. */
  connectionsCheckingInterval: 2_000,
  /** Longer than the 60 s after which balancers and scrapers drop an idle connection: they should be the ones to. */
  keepAliveTimeout: 65_000,
  /** A client that reads nothing of its answer for so long is cut off. */
  inactivity: 30_000,
  maxHeaderSize: 16_384,
  maxConnections: 512,
  /** From here on a new connection costs an idle one, or one of whoever holds most, its place. */
  crowded: 448,
  /**
   * How many connections the kernel holds until we take them, one at a turn of the loop. Whoever finds no room there
   * tries again after a second, which is as long as a kubelet waits for a probe. What Linux allows unless told otherwise.
   */
  backlog: 4_096,
} as const;

/** The server of the agent. Its handler can be exchanged: bare probes first, Express when it has been loaded. */
export interface Listener {
  readonly host: string;
  /** The port it listens on, also when 0 was asked for. */
  readonly port: number;
  readonly url: string;
  use(handler: Handler): void;
  /** Accepts nothing new, lets requests in flight finish for at most `graceMs`, and cuts off the rest. */
  close(graceMs: number): Promise<void>;
}

/** The address cannot be listened on. The message is one line and says how to mend it. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

export async function startListener(
  settings: Pick<ServerSettings, "host" | "port">,
  handler: Handler,
): Promise<Listener> {
  let current = handler;
  const server = createServer(limits, (req, res) => handle(current, req, res));
  server.maxConnections = limits.maxConnections;
  server.timeout = limits.inactivity;
  server.on("connect", (_req: IncomingMessage, socket: Duplex) => refuseTunnel(socket));
  makeRoom(server);
  const { address, port } = await listen(server, settings);
  let closing: Promise<void> | undefined;
  return {
    host: address,
    port,
    url: `http://${urlHost(address)}:${port}`,
    use: (next) => {
      current = next;
    },
    close: (graceMs) => {
      closing ??= close(server, graceMs);
      return closing;
    },
  };
}

function handle(handler: Handler, req: IncomingMessage, res: ServerResponse): void {
  try {
    handler(req, res, () => notFound(res));
  } catch (error) {
    // A handler answers for its own errors; what escapes must not end the process or keep the client waiting.
    process.emitWarning(error instanceof Error ? error : String(error));
    res.destroy();
  }
}

function notFound(res: ServerResponse): void {
  res.writeHead(404, { "Content-Length": 0, "Cache-Control": "no-store" }).end();
}

function listen(server: Server, { host, port }: Pick<ServerSettings, "host" | "port">): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port, backlog: limits.backlog }, () => {
      // What the kernel says of a connection that it could not hand over is about that one; it must not end the process.
      server.removeAllListeners("error").on("error", () => {});
      resolve(server.address() as AddressInfo);
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  return new ListenError(listenProblem(error, host, port), { cause: error });
}

function listenProblem({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use; set server.port, or stop what listens there`;
    case "EACCES":
      return `port ${port} needs privileges; set server.port to 1024 or more`;
    case "EADDRNOTAVAIL":
      return `${host} is no address of this machine; set server.host to one, or to 0.0.0.0`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${host} does not resolve; set server.host to an address of this machine`;
    default:
      return `cannot listen on ${host}:${port}: ${code ?? message}`;
  }
}

const urlHost = (address: string): string => (address.includes(":") ? `[${address}]` : address);

/**
 * In a crowd, idle connections go first and then the oldest of the address that holds most: a probe must find room, and
 * the time to ask, whoever holds the others.
 */
function makeRoom(server: Server): void {
  const byAddress = new Map<string, Set<Socket>>();
  let count = 0;
  const forget = (socket: Socket, address: string): void => {
    const sockets = byAddress.get(address);
    if (!sockets?.delete(socket)) return;
    count -= 1;
    if (sockets.size === 0) byAddress.delete(address);
  };
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    const sockets = byAddress.get(address) ?? new Set();
    byAddress.set(address, sockets.add(socket));
    count += 1;
    socket.once("close", () => forget(socket, address));
    if (count <= limits.crowded) return;
    server.closeIdleConnections();
    for (const [from, held] of byAddress) for (const one of held) if (one.destroyed) forget(one, from);
    while (count > limits.crowded) {
      const [greediest, held] = most(byAddress);
      const [oldest] = held;
      if (oldest === undefined) return;
      forget(oldest, greediest);
      oldest.destroy();
    }
  });
}

function most(byAddress: ReadonlyMap<string, ReadonlySet<Socket>>): readonly [string, ReadonlySet<Socket>] {
  return [...byAddress].reduce((greediest, one) => (one[1].size > greediest[1].size ? one : greediest));
}

function refuseTunnel(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  socket.end(
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    () => socket.destroy(),
  );
}

const sweepMs = 50;

async function close(server: Server, graceMs: number): Promise<void> {
  await takeIn(server);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection whose last answer has just left becomes idle and stays open: looked for until none is left.
  const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
  const end = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(end);
}

/**
 * Takes whoever has connected and still waits in the kernel: closing the port would reset them all. A turn of the
 * event loop takes one; under load there is no end of new ones, but those who were there first are in by then.
 */
async function takeIn(server: Server): Promise<void> {
  let quietTurns = 0;
  const take = (): void => {
    quietTurns = 0;
  };
  server.on("connection", take);
  // The turn that this began in may have looked for connections before.
  for (let turns = 0; quietTurns < 2 && turns < limits.backlog; turns += 1) {
    quietTurns += 1;
    await nextTurn();
  }
  server.off("connection", take);
}
