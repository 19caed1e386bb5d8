import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A server in the test's own process. */
export interface Peer {
  readonly port: number;
  /** Connections open now. */
  readonly openConnections: number;
  /** Connections ever taken. */
  readonly takenConnections: number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and counts connections. */
export async function listen(server: Server): Promise<Peer> {
  const open = new Set<Socket>();
  let taken = 0;
  server.on("connection", (socket: Socket) => {
    taken += 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get openConnections() {
      return open.size;
    },
    get takenConnections() {
      return taken;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Takes connections, reads, and never answers. */
export function listenSilently(): Promise<Peer> {
  return listen(createServer((socket) => socket.resume()));
}

/** Takes datagrams and never answers; each counts as a connection that was taken, and none stays open. */
export async function listenSilentlyByUdp(): Promise<Peer> {
  const socket = createSocket("udp4");
  let taken = 0;
  socket.on("message", () => {
    taken += 1;
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    port: socket.address().port,
    openConnections: 0,
    get takenConnections() {
      return taken;
    },
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** Sends back whatever it is sent: what a check says to a stranger comes home as the stranger's text. */
export function listenAndEcho(): Promise<Peer> {
  return listen(createServer((socket) => socket.pipe(socket)));
}

/** Answers everything with the error of a Redis that repeats the arguments it was given, as a real one does. */
export function listenAndQuote(): Promise<Peer> {
  return listen(
    createServer((socket) =>
      socket.on("data", (said) =>
        socket.write(`-ERR unknown command, with args: ${said.toString().replace(/\s+/g, " ")}\r\n`),
      ),
    ),
  );
}
