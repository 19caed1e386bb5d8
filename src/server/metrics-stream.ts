import type { IncomingMessage, ServerResponse } from "node:http";
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
  return {
    async send(req, res, state) {
      if (scrapes >= maxScrapes) return sendAnswer(req, res, textAnswer(503, state, tooMany));
      scrapes += 1;
      try {
        return await stream(req, res, state, metrics);
      } catch (error) {
        onError(error);
        if (res.headersSent) res.destroy();
        else sendAnswer(req, res, textAnswer(503, state, failed));
        return 503;
      } finally {
        scrapes -= 1;
      }
    },
  };
}

const tooMany = `${maxScrapes} scrapes are under way already\n`;
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
    if (res.destroyed) return 200;
    res.writeHead(200, [...commonHeaders(state, 200), "Content-Type", exposition.contentType]);
    while (!piece.done && !res.destroyed && req.method !== "HEAD") {
      if (!res.write(piece.value)) await drained(res);
      piece = await pieces.next();
    }
    res.end();
    return 200;
  } finally {
    await pieces.return?.();
  }
}

/** Waits until a slow client has read, or is gone; the server's inactivity timeout bounds it. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off("drain", settle);
      res.off("close", settle);
      resolve();
    };
    if (res.destroyed) return resolve();
    res.on("drain", settle);
    res.on("close", settle);
  });
}
