import { connect } from "node:net";
import { createApp } from "../../../src/server/app.js";
import { createEndpoints } from "../../../src/server/endpoints.js";
import { startListener } from "../../../src/server/listener.js";
import { FakeSource } from "../../server/fake-source.js";
import { type FuzzTarget, plantedSecret, type StartedTarget } from "../fuzz-target.js";
import { mustHold, mustHoldNoSecret } from "../invariants.js";

const settings = {
  host: "127.0.0.1",
  port: 0,
  details: "authorized",
  token: plantedSecret,
  trustLoopback: true,
} as const;

function get(target: string, ...headers: readonly string[]): string {
  return [`GET ${target} HTTP/1.1`, "host: 127.0.0.1", ...headers, "connection: close", "", ""].join("\r\n");
}

async function* exposition(): AsyncGenerator<string> {
  yield "health_check_status 1\n";
}

/** The listener, the endpoints and Express as the agent has them, over a real socket. */
async function start(): Promise<StartedTarget> {
  const source = new FakeSource({
    database: { status: "unhealthy", critical: true, message: 'refused <b>"x"' },
    cache: { status: "healthy", facts: { version: "7" } },
    waiting: {},
  });
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const metrics = { render: async () => ({ contentType: "text/plain", pieces: exposition() }) };
  const endpoints = createEndpoints(source, { settings, onError, metrics });
  const listener = await startListener(settings, createApp({ source, endpoints, onError }));
  return {
    async judge(input) {
      const answer = await say(listener.port, input);
      const [failed] = errors.splice(0);
      mustHold(failed === undefined, `a handler failed: ${failed instanceof Error ? failed.stack : String(failed)}`);
      mustBeAnswers(answer);
    },
    close: () => listener.close(0),
  };
}

/** Longer than any answer to what is sent here. */
const maxAnswerBytes = 4_194_304;

/** All that comes back; whoever has said everything waits for nothing but the end of it. */
function say(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let byteCount = 0;
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.end(bytes));
    socket.on("data", (piece) => {
      byteCount += piece.length;
      if (byteCount > maxAnswerBytes) socket.destroy(new Error(`more than ${maxAnswerBytes} bytes`));
      else pieces.push(piece);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(pieces).toString("latin1")));
  });
}

/** Answers one after another, none of them of our own bug; what is JSON can be read. */
function mustBeAnswers(text: string): void {
  if (text === "") return;
  mustHold(/^HTTP\/1\.1 [1-5]\d\d /.test(text), `no answer: ${text.slice(0, 200)}`);
  mustHold(!/^HTTP\/1\.1 500 /m.test(text), `an internal error: ${text.slice(0, 500)}`);
  mustHoldNoSecret(text, "the answer");
  const json =
    /^HTTP\/1\.1 \d+ [^\r]*\r\n(?:[^\r]+\r\n)*?content-type: application\/json[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(\{.*)$/is.exec(
      text,
    );
  // Of a HEAD there is no body, and behind one answer may stand another one.
  if (json?.[1] !== undefined && !text.includes("HTTP/1.1 ", 1)) JSON.parse(json[1]);
}

const basic = Buffer.from(`x:${plantedSecret}`).toString("base64");

export const httpRequest: FuzzTarget = {
  name: "http-request",
  feeds: "requests to the agent's own server: paths, queries, headers, bodies",
  seeds: [
    get("/"),
    get("/?check=database&find=a%20b", "accept: text/html"),
    get("/health?exclude=cache&verbose", `authorization: Basic ${basic}`),
    get("/readyz?verbose=1&exclude=database"),
    get("/livez"),
    get("/startupz"),
    get(
      "/metrics",
      "accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3",
      "accept-encoding: gzip",
    ),
    get("/health/database"),
    get("/api/v1/checks/database/history", "authorization: Bearer x"),
    get("/api/v1/checks/data%62ase"),
    get("/favicon.ico", "x-forwarded-for: 127.0.0.1"),
    "POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HEAD /health HTTP/1.0\r\n\r\n",
    `${get("/livez").replace("connection: close\r\n", "")}${get("/readyz")}`,
  ],
  words: [
    "GET ",
    "HEAD ",
    "OPTIONS * ",
    "CONNECT a:1 ",
    "TRACE ",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    " HTTP/1.1\r\n",
    "\r\n",
    "\r\n\r\n",
    "/",
    "//",
    "/../",
    "%2e%2e%2f",
    "%00",
    "%",
    "%c3%28",
    "?check=",
    "?exclude=",
    "&find=",
    "?verbose",
    "http://a/health",
    "/health/",
    "/api/v1/checks/",
    "/history",
    "__proto__",
    "constructor",
    "host: \r\n",
    "authorization: Bearer ",
    "authorization: Basic ",
    "authorization: Digest x\r\n",
    "accept: text/html;q=0\r\n",
    "accept: application/json, */*;q=x\r\n",
    "content-length: -1\r\n",
    "transfer-encoding: gzip, chunked\r\n",
    "expect: 100-continue\r\n",
    "upgrade: websocket\r\nconnection: upgrade\r\n",
    "x-forwarded-for: \r\n",
    "cookie: a=b\r\n",
    "range: bytes=0-\r\n",
    "if-none-match: *\r\n",
  ],
  maxLength: 20_000,
  runsInTests: 200,
  lanes: 8,
  start,
};
