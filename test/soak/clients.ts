import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { pause } from "./ending.js";
import { shuffled } from "./shuffle.js";
import type { SoakedAgent } from "./soaked-agent.js";

const pages = ["/", "/metrics", "/health", "/livez", "/readyz", "/readyz?verbose", "/startupz", "/api/v1/report"];
const ofCheck = (name: string) => [`/health/${name}`, `/readyz/${name}`, `/api/v1/checks/${name}/history`];
const strange = ["/nothing-there", "/%zz", `/${"x".repeat(7_000)}`];
const answeredWithinMs = 10_000;

/** What the clients saw. */
export interface Seen {
  readonly statuses: Record<string, number>;
}

/** Reads everything there is to read, as people, scrapers and kubelets do; until it is interrupted. */
export async function browse(agent: SoakedAgent, random: () => number, seen: Seen): Promise<never> {
  for (;;) {
    const [name = "none"] = shuffled(agent.names, random);
    for (const path of shuffled([...pages, ...ofCheck(name), ...strange], random)) {
      const isOpenMetrics = path === "/metrics" && random() < 0.5;
      const status = await ask(`${agent.url}${path}`, isOpenMetrics ? "application/openmetrics-text" : "*/*");
      seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
      await pause(150);
    }
  }
}

/** Status of an answer read to its end, or why there was none. */
async function ask(url: string, accept: string): Promise<string> {
  try {
    const answer = await fetch(url, { headers: { accept }, signal: AbortSignal.timeout(answeredWithinMs) });
    await answer.arrayBuffer();
    return String(answer.status);
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    return cause ?? (error as Error).name;
  }
}

/** Ways to hold on to a server, for some seconds each. */
const nuisances: readonly ((port: number, ms: number) => Promise<void>)[] = [
  // Connects and says nothing; begins a head and never ends it; announces a body that does not come.
  ...[
    "",
    "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx",
  ].map((words) => (port: number, ms: number) => holdOn(port, words, ms)),
  // Asks for a long answer many times and reads nothing of it.
  (port, ms) => holdOn(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50), ms, { reads: false }),
  (port, ms) => holdOn(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20), ms, { reads: false }),
  (port, ms) => holdOn(port, "\u0016\u0003\u0001 no HTTP\r\n\r\n", ms),
  goInTheMiddle,
];

/** A few of them at any moment; until it is interrupted. */
export async function annoy(agent: SoakedAgent, random: () => number): Promise<never> {
  for (;;) {
    for (const nuisance of shuffled(nuisances, random)) await nuisance(agent.port, 1_000 + 4_000 * random());
  }
}

async function holdOn(port: number, words: string, ms: number, { reads = true } = {}): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  if (reads) socket.resume();
  else socket.pause();
  socket.write(words);
  try {
    await pause(ms);
  } finally {
    socket.resetAndDestroy();
  }
}

/** Reads the beginning of a scrape and hangs up. */
async function goInTheMiddle(port: number): Promise<void> {
  const sent = request({ port, host: "127.0.0.1", path: "/metrics", agent: false });
  sent.on("error", () => undefined);
  sent.end();
  const answered = once(sent, "response").then(
    ([response]) =>
      once(
        response.on("error", () => undefined),
        "data",
      ),
    () => undefined,
  );
  try {
    await Promise.race([answered.catch(() => undefined), pause(answeredWithinMs)]);
    await pause(200);
  } finally {
    sent.destroy();
  }
}
