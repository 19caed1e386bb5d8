import { once } from "node:events";
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";

/** An HTTP/2 server in the test's own process, for answers that no real gRPC server gives. */
export interface Http2Peer {
  readonly port: number;
  readonly address: string;
  close(): Promise<void>;
}

export async function startHttp2(
  serve: (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => void,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Http2Peer> {
  const server: Http2Server = tls ? createSecureServer(tls) : createServer();
  const sockets = new Set<Socket>();
  server.on(tls ? "secureConnection" : "connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    serve(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: `127.0.0.1:${port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const head = { ":status": 200, "content-type": "application/grpc" };

/** A whole gRPC answer: these bytes, then the status in trailers. */
export const answerGrpc =
  (body: readonly number[], trailers: Readonly<Record<string, string>> = { "grpc-status": "0" }) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(Buffer.from(body));
  };

/** Headers and nothing else, as gRPC's Trailers-Only. */
export const answerHeaders =
  (headers: Readonly<Record<string, string | number>>) =>
  (stream: ServerHttp2Stream): void =>
    stream.respond({ ...head, ...headers }, { endStream: true });

/** `SERVING` as one message. */
export const serving: readonly number[] = [0, 0, 0, 0, 2, 8, 1];
