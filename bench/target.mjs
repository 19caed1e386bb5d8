/**
 * The neutral side of a measurement, a process of its own: answers every probe and notes when it came, swallows OTLP,
 * and says over IPC what it saw. It knows nothing of the agent.
 */
import { createServer } from "node:http";
import { createServer as createSocketServer } from "node:net";

const body = '{"status":"UP"}';
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
);
/** By path: when each request for it came, milliseconds of this process. */
const arrivals = new Map();
const sink = { requests: 0, bytes: 0 };

const target = createSocketServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {});
  socket.once("data", (chunk) => {
    const path = chunk.latin1Slice(4, chunk.indexOf(32, 4));
    const times = arrivals.get(path);
    if (times) times.push(performance.now());
    else arrivals.set(path, [performance.now()]);
    socket.end(answer);
  });
});
const collector = createServer((request, response) => {
  sink.requests++;
  request.on("data", (chunk) => {
    sink.bytes += chunk.length;
  });
  const type = request.headers["content-type"] ?? "application/json";
  request.on("end", () => response.setHeader("content-type", type).end(type.includes("json") ? "{}" : ""));
});

const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", 4096, () => resolve(server.address().port)));

/** What came between two times: arrivals, runs that did not come, and by how much the gaps missed the interval. */
function seen({ from, to, intervalMs, checks }) {
  const errors = [];
  let count = 0;
  const expected = Math.floor((to - from) / intervalMs);
  let missed = (checks - arrivals.size) * expected;
  for (const all of arrivals.values()) {
    const times = all.filter((time) => time >= from && time < to);
    count += times.length;
    missed += Math.max(0, expected - times.length);
    for (let index = 1; index < times.length; index++) {
      errors.push(Math.abs(times[index] - times[index - 1] - intervalMs));
    }
  }
  errors.sort((a, b) => a - b);
  const at = (share) => errors[Math.min(errors.length - 1, Math.floor(share * errors.length))];
  return { count, missed, p50: at(0.5), p99: at(0.99), max: at(1), sink };
}

process.on("message", (question) => {
  process.send(question.from === undefined ? { now: performance.now() } : seen(question));
});
process.send({ port: await listen(target), sinkPort: await listen(collector) });
