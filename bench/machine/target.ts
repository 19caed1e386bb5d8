/**
 * The neutral side of a measurement, a process of its own: answers every probe and notes when it came, swallows OTLP,
 * and says over IPC what it saw. It knows nothing of the agents. `neutral-target.ts` is how it is started and asked.
 */
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from "node:net";
import { Arrivals } from "./arrivals.js";
import type { Answers, Asked } from "./neutral-target.js";

const tcpPorts = Number(process.argv[2] ?? 0);
const hangMs = 8_000;
const body = '{"status":"UP"}';
/** Closes the connection, so that every system pays for a fresh one. */
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
);
const arrivals = new Arrivals();
const sink = { requests: 0, bytes: 0 };
const ignore = (): void => {};

/** `/hang/…` is answered when it is too late. */
function answerHttp(socket: Socket): void {
  socket.on("error", ignore);
  socket.once("data", (chunk) => {
    const path = chunk.toString("latin1", 4, chunk.indexOf(32, 4));
    arrivals.note(path, performance.now());
    if (path.startsWith("/hang/")) setTimeout(() => socket.end(answer), hangMs);
    else socket.end(answer);
  });
}

/** One port a check: by TCP nothing else says which check it is. */
function acceptTcp(index: number): Server {
  return createSocketServer((socket) => {
    arrivals.note(`tcp/${index}`, performance.now());
    socket.on("error", ignore);
    socket.resume();
  });
}

const collector = createServer((request, response) => {
  sink.requests += 1;
  request.on("data", (chunk: Buffer) => {
    sink.bytes += chunk.length;
  });
  const type = request.headers["content-type"] ?? "application/json";
  request.on("end", () => response.setHeader("content-type", type).end(type.includes("json") ? "{}" : ""));
});

function listen(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", 4_096, () => resolve((server.address() as AddressInfo).port)),
  );
}

const answers: Answers = {
  now: () => performance.now(),
  seen: (question) => arrivals.seen(question),
  burst: ({ fromMs, forMs, widthMs }) => arrivals.burst(fromMs, forMs, widthMs),
  sink: () => sink,
};

process.on("message", ({ ask, question }: Asked) => {
  process.send?.(answers[ask](question as never));
});
process.on("disconnect", () => process.exit());
process.send?.({
  httpPort: await listen(createSocketServer({ noDelay: true }, answerHttp)),
  sinkPort: await listen(collector),
  tcpPorts: await Promise.all(Array.from({ length: tcpPorts }, (_, index) => listen(acceptTcp(index)))),
});
