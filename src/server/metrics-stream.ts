import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Answer, commonHeaders, type ServiceState, send, textAnswer } from "./answer.js";
import type { MetricsSource } from "./ports.js";

/** Scrapes at once; each holds a collected snapshot until its client has read it. */
const maxScrapes = 16;

export interface MetricsStream {
  /** Sends the exposition; resolves to the status code when it is sent, or the client is gone. Never rejects. */
  send(req: IncomingMessage, res: ServerResponse, state: ServiceState): Promise<number>;
}

export function createMetricsStream(metrics: MetricsSource, onError: (error: unknown) => void): MetricsStream {
  let scrapes = 0;
  /** One place each: a client may send any number of requests ahead of the answers that it does not read. */
  const connections = new WeakSet<Socket>();
  return {
    async send(req, res, state) {
      const { socket } = req;
      if (connections.has(socket)) return sendAnswer(req, res, textAnswer(503, state, oneEach));
      if (scrapes >= maxScrapes) return sendAnswer(req, res, textAnswer(503, state, tooMany));
      scrapes += 1;
      connections.add(socket);
      try {
        return await stream(req, res, state, metrics);
      } catch (error) {
        onError(error);
        if (res.headersSent) res.destroy();
        else sendAnswer(req, res, textAnswer(503, state, failed));
        return 503;
      } finally {
        scrapes -= 1;
        connections.delete(socket);
      }
    },
  };
}

const tooMany = `${maxScrapes} scrapes are under way already\n`;
const oneEach = "A scrape is under way on this connection already; wait for its end\n";
const failed = "Collecting the metrics failed; the log says why\n";

function sendAnswer(req: IncomingMessage, res: ServerResponse, answer: Answer): number {
  send(req, res, answer);
  return answer.statusCode;
}

/** The first piece is awaited before the head is written, so that a failure can still be a 503. */
async function stream(
  req: IncomingMessage,
  res: ServerResponse,
  state: ServiceState,
  metrics: MetricsSource,
): Promise<number> {
  const exposition = await metrics.render(req.headers.accept);
  const pieces = exposition.pieces[Symbol.asyncIterator]();
  try {
    let piece = await pieces.next();
    if (isGone(req, res)) return 200;
    res.writeHead(200, [...commonHeaders(state, 200), "Content-Type", exposition.contentType]);
    while (!piece.done && !isGone(req, res) && req.method !== "HEAD") {
      if (!res.write(piece.value)) await drained(req, res);
      piece = await pieces.next();
    }
    res.end();
    return 200;
  } finally {
    await pieces.return?.();
  }
}

/** A response that waits behind another on its connection is told nothing when the connection ends: only that one is. */
const isGone = ({ socket }: IncomingMessage, res: ServerResponse): boolean => res.destroyed || socket.destroyed;

/** Waits until a slow client has read, or is gone; the server's inactivity timeout bounds it. */
function drained(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { socket } = req;
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off("drain", settle);
      res.off("close", settle);
      socket.off("close", settle);
      resolve();
    };
    if (isGone(req, res)) return resolve();
    res.on("drain", settle);
    res.on("close", settle);
    socket.on("close", settle);
  });
}
