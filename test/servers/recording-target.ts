import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server that answers at once and writes down who came when. */
export interface RecordingTarget {
  url(path: string): string;
  /** Arrivals in their order, `performance.now()`. */
  arrivals(): readonly number[];
  /** How many of them came within any `windowMs`, at most. */
  mostWithin(windowMs: number, sinceMs?: number): number;
  close(): void;
}

export async function startRecordingTarget(): Promise<RecordingTarget> {
  const times: number[] = [];
  const server = createServer((_request, response) => {
    times.push(performance.now());
    response.end("ok");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    arrivals: () => times,
    mostWithin: (windowMs, sinceMs = 0) => {
      const later = times.filter((time) => time >= sinceMs);
      let first = 0;
      return later.reduce((most, time, index) => {
        while (time - (later[first] ?? time) > windowMs) first += 1;
        return Math.max(most, index - first + 1);
      }, 0);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
