import { connect, type Socket } from "node:net";
import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { createApp } from "../../src/server/app.js";
import { createEndpoints, type EndpointsOptions } from "../../src/server/endpoints.js";
import { createGate } from "../../src/server/gate.js";
import { ListenError, type Listener, startListener } from "../../src/server/listener.js";
import type { MetricsSource } from "../../src/server/ports.js";
import { createProbes } from "../../src/server/probes.js";
import { FakeSource } from "../server/fake-source.js";

const settings = { host: "127.0.0.1", port: 0, details: "authorized", token: "s3cret", trustLoopback: true } as const;

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

interface Agent {
  readonly listener: Listener;
  readonly source: FakeSource;
  readonly errors: unknown[];
}

async function startAgent(options: Partial<EndpointsOptions> = {}): Promise<Agent> {
  const source = new FakeSource({ database: { status: "healthy", critical: true }, redis: { status: "unhealthy" } });
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const endpoints = createEndpoints(source, { settings, onError, ...options });
  const listener = await startListener(settings, endpoints.middleware);
  cleanUp.push(() => listener.close(0));
  listener.use(createApp({ source, endpoints, onError }));
  return { listener, source, errors };
}

/** Writes raw bytes and resolves to all that comes back until the server closes, or until `isWhole` says so. */
function exchange(port: number, bytes: string, isWhole: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
      if (isWhole(text)) socket.destroy();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}

/** A connection that stays open, with all that has arrived on it. */
async function open(
  port: number,
  localAddress = "127.0.0.1",
): Promise<{ readonly socket: Socket; received(): string; until(part: string): Promise<void> }> {
  let text = "";
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  cleanUp.push(() => void socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  return {
    socket,
    received: () => text,
    until: async (part) => {
      while (!text.includes(part)) await new Promise((resolve) => socket.once("data", resolve));
    },
  };
}

/** The code of the error that connecting ends with. */
const refusal = (port: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => reject(new Error("connected")));
    socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code));
  });

const closed = (socket: Socket): Promise<unknown> =>
  socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once("close", resolve));

const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
const getOnce = (path: string, headers = ""): string => get(path, `Connection: close\r\n${headers}`);

async function isLive({ port }: Listener): Promise<boolean> {
  return (await exchange(port, getOnce("/livez"))).endsWith("\r\n\r\nOK");
}

describe("the agent's server", () => {
  it("answers every endpoint, with Express mounted", async () => {
    const { listener } = await startAgent();
    const answers = await Promise.all(
      ["/livez", "/readyz", "/health?verbose", "/startupz", "/api/v1/report", "/nope"].map(async (path) => {
        const response = await fetch(listener.url + path);
        expect(Object.fromEntries(response.headers)).not.toHaveProperty("x-powered-by");
        expect(Object.fromEntries(response.headers)).not.toHaveProperty("etag");
        expect(response.headers.get("cache-control")).toBe("no-store");
        await response.arrayBuffer();
        return response.status;
      }),
    );
    expect(answers).toEqual([200, 200, 200, 200, 200, 404]);
  });

  it("answers the bare probes before another handler is mounted, and 404 for the rest", async () => {
    const source = new FakeSource({});
    const { middleware } = createEndpoints(source, { settings });
    const listener = await startListener(settings, middleware);
    cleanUp.push(() => listener.close(0));
    expect(await isLive(listener)).toBe(true);
    expect(await exchange(listener.port, getOnce("/nope"))).toMatch(/^HTTP\/1\.1 404 /);
    listener.use((_req, res) => void res.end("other"));
    expect(await exchange(listener.port, getOnce("/nope"))).toMatch(/other$/);
  });

  it("gives HEAD the head of GET and not one byte more", async () => {
    const { listener } = await startAgent();
    for (const path of ["/readyz", "/livez", "/api/v1/report", "/nope"]) {
      const whole = await exchange(listener.port, getOnce(path));
      const head = await exchange(listener.port, getOnce(path).replace("GET", "HEAD"));
      const withoutDate = (text: string): string => text.replace(/^Date: .*\r\n/m, "");
      expect(withoutDate(head)).toBe(withoutDate(whole.slice(0, whole.indexOf("\r\n\r\n") + 4)));
    }
  });

  it("refuses other methods everywhere, and closes the connection whose body it did not read", async () => {
    const { listener } = await startAgent();
    for (const path of ["/livez", "/", "/nope", "/api/v1/report"]) {
      const bytes = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc${get("/livez")}`;
      const answer = await exchange(listener.port, bytes);
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer).toMatch(/\r\nAllow: GET, HEAD\r\n/);
      expect(answer).not.toMatch(/OK$/);
    }
    expect(await exchange(listener.port, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 405 /,
    );
  });

  it("shows details to the token and to this machine, and to nobody behind a proxy", async () => {
    const { listener } = await startAgent();
    const read = async (headers: Record<string, string>): Promise<string> =>
      (await fetch(`${listener.url}/health`, { headers })).text();
    expect(await read({})).toContain("redis");
    expect(await read({ "x-forwarded-for": "203.0.113.9" })).not.toContain("redis");
    expect(await read({ "x-forwarded-for": "203.0.113.9", authorization: "Bearer s3cret" })).toContain("redis");
    expect(
      await exchange(listener.port, "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
    ).not.toContain("redis");
    expect(await exchange(listener.port, "GET /health HTTP/1.0\r\n\r\n")).not.toContain("redis");
  });

  it("answers 500 without a stack when a handler of ours breaks, and goes on", async () => {
    const source = new FakeSource({});
    const errors: unknown[] = [];
    const endpoints = createEndpoints(source, { settings });
    const broken = () => {
      throw new Error("planted-stack");
    };
    const onError = (error: unknown) => void errors.push(error);
    const listener = await startListener(settings, createApp({ source, endpoints, handlers: [broken], onError }));
    cleanUp.push(() => listener.close(0));
    const response = await fetch(`${listener.url}/elsewhere`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/planted|\.ts/);
    expect(errors).toHaveLength(1);
    expect(await isLive(listener)).toBe(true);
  });

  it("says how to mend an address that it cannot listen on", async () => {
    const { listener } = await startAgent();
    const taken = startListener({ ...settings, port: listener.port }, () => {});
    await expect(taken).rejects.toThrow(ListenError);
    await expect(taken).rejects.toThrow(
      `port ${listener.port} on 127.0.0.1 is in use; set server.port, or stop what listens there`,
    );
    await expect(startListener({ host: "203.0.113.1", port: 0 }, () => {})).rejects.toThrow(
      /no address of this machine/,
    );
    await expect(startListener({ host: "name.invalid", port: 0 }, () => {})).rejects.toThrow(/does not resolve/);
  });

  it("listens on IPv6, and trusts its loopback", async () => {
    const source = new FakeSource({ redis: { status: "healthy" } });
    const { middleware } = createEndpoints(source, { settings });
    const listener = await startListener({ host: "::", port: 0 }, middleware);
    cleanUp.push(() => listener.close(0));
    for (const host of ["127.0.0.1", "[::1]"]) {
      expect(await (await fetch(`http://${host}:${listener.port}/health`)).text()).toContain("redis");
    }
  });
});

describe("a hostile or odd client", () => {
  it.each([
    ["garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"],
    ["no HTTP", "hello\r\n\r\n", "400"],
    ["no Host", "GET /livez HTTP/1.1\r\n\r\n", "400"],
    ["a header without name", get("/livez", ": x\r\n"), "400"],
    ["two lengths", get("/livez", "Content-Length: 1\r\nContent-Length: 2\r\n"), "400"],
    ["length and chunks", get("/livez", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "400"],
    ["10,000 headers", get("/livez", "a: b\r\n".repeat(10_000)), "431"],
    ["a URL of 100 kB", get(`/${"x".repeat(100_000)}`), "431"],
    ["an unknown expectation", get("/livez", "Expect: tea\r\nConnection: close\r\n"), "417"],
  ])("with %s costs nobody else anything", async (_what, bytes, statusCode) => {
    const { listener, errors } = await startAgent();
    const answer = await exchange(listener.port, bytes);
    // What is still unread when the server closes becomes a reset, which may overtake the answer.
    if (bytes.length < 16_384 || answer !== "") expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${statusCode} `));
    expect(await isLive(listener)).toBe(true);
    expect(errors).toEqual([]);
  });

  it.each(["%", "%zz", "%c3%28", "%00", "..%2f..%2fetc", "a%0d%0aSet-Cookie:x", "%41%41%41"])(
    "gets no 500 and no header of its own for the check %j",
    async (name) => {
      const { listener, errors } = await startAgent();
      for (const path of [
        `/readyz/${name}`,
        `/health/${name}`,
        `/api/v1/checks/${name}/history`,
        `/readyz?exclude=${name}`,
      ]) {
        const answer = await exchange(listener.port, getOnce(path));
        expect(answer).toMatch(/^HTTP\/1\.1 (200|400|404) /);
        expect(answer).not.toMatch(/set-cookie/i);
      }
      expect(errors).toEqual([]);
    },
  );

  it("that pipelines gets its answers in order", async () => {
    const { listener } = await startAgent();
    const text = await exchange(
      listener.port,
      get("/livez") + get("/nope") + get("/api/v1/report") + getOnce("/livez"),
    );
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200", "HTTP/1.1 200"]);
  });

  it("that sends an absolute URL is answered, and not trusted", async () => {
    const { listener } = await startAgent();
    const text = await exchange(listener.port, getOnce("http://127.0.0.1/health"));
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).not.toContain("redis");
  });

  it("that wants a tunnel is refused and cut off", async () => {
    const { listener } = await startAgent();
    const text = await exchange(listener.port, "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 405 .*\r\nAllow: GET, HEAD\r\n/);
  });

  it("that wants another protocol gets plain HTTP", async () => {
    const { listener } = await startAgent();
    const text = await exchange(
      listener.port,
      get("/livez", "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"),
      (part) => part.endsWith("OK"),
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("that drips its header is cut off, while others are served", async () => {
    const { listener } = await startAgent();
    const slow = await open(listener.port);
    slow.socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n");
    const drip = setInterval(() => slow.socket.write("a: b\r\n"), 200);
    cleanUp.push(() => clearInterval(drip));
    expect(await isLive(listener)).toBe(true);
    await closed(slow.socket);
    expect(slow.received()).toMatch(/^HTTP\/1\.1 408 |^$/);
  }, 15_000);

  it("with 600 connections that say nothing keeps no probe out", async () => {
    const { listener } = await startAgent();
    const silent = await Promise.all(Array.from({ length: 600 }, () => open(listener.port)));
    expect(await isLive(listener)).toBe(true);
    expect(silent.filter(({ socket }) => !socket.destroyed).length).toBeLessThan(512);
  });

  it("with 600 connections that say nothing costs those their place who hold most, and no early one of another", async () => {
    const { listener } = await startAgent();
    const early = await open(listener.port);
    await Promise.all(Array.from({ length: 600 }, () => open(listener.port, "127.0.0.2")));
    early.socket.write(getOnce("/livez"));
    await closed(early.socket);
    expect(early.received()).toMatch(/OK$/);
  });

  it("with 600 idle connections keeps no probe out, and a busy one open", async () => {
    const gate = deferred();
    const { listener } = await startAgent({
      metrics: metricsFrom(async function* () {
        yield "first 1\n";
        await gate.promise;
        yield "last 1\n";
      }),
    });
    const busy = await open(listener.port);
    const idle = await Promise.all(Array.from({ length: 300 }, () => open(listener.port)));
    for (const { socket } of idle) socket.write(get("/livez"));
    await Promise.all(idle.map(({ until }) => until("OK")));
    busy.socket.write(get("/metrics"));
    await busy.until("first 1");
    for (let index = 0; index < 300; index += 1) await open(listener.port);
    expect(await isLive(listener)).toBe(true);
    gate.resolve(undefined);
    await busy.until("last 1");
  });
});

function deferred(): { readonly promise: Promise<unknown>; resolve(value: unknown): void } {
  let resolve: (value: unknown) => void = () => {};
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const metricsFrom = (pieces: () => AsyncIterable<string>): MetricsSource => ({
  render: async (accept) => ({ contentType: `text/plain; accept=${accept}`, pieces: pieces() }),
});

describe("/metrics", () => {
  const body = "x".repeat(64 * 1_024);

  it("is open to strangers, whatever the health", async () => {
    const { listener, source } = await startAgent({
      metrics: metricsFrom(async function* () {
        yield "a 1\n";
      }),
    });
    source.set("database", { status: "unhealthy", critical: true });
    source.phase = "draining";
    const response = await fetch(`${listener.url}/metrics`, { headers: { via: "1.1 proxy", accept: "x/y" } });
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      200,
      "text/plain; accept=x/y",
      "a 1\n",
    ]);
  });

  it("asks for its token, when it has one, this machine too", async () => {
    const metrics = metricsFrom(async function* () {
      yield "a 1\n";
    });
    const { listener } = await startAgent({ metrics, settings: { ...settings, metricsToken: "scrape" } });
    const refused = await fetch(`${listener.url}/metrics`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer/);
    for (const token of ["scrape", "s3cret"]) {
      const headers = { authorization: `Bearer ${token}` };
      expect((await fetch(`${listener.url}/metrics`, { headers })).status).toBe(200);
    }
  });

  it("answers 503 with one line when collecting fails, and works again afterwards", async () => {
    let isBroken = true;
    const { listener, errors } = await startAgent({
      metrics: {
        render: async () => {
          if (isBroken) throw new Error("planted detail");
          return { contentType: "text/plain", pieces: (async function* () {})() };
        },
      },
    });
    const response = await fetch(`${listener.url}/metrics`);
    expect(response.status).toBe(503);
    expect(await response.text()).toBe("Collecting the metrics failed; the log says why\n");
    expect(errors).toHaveLength(1);
    isBroken = false;
    expect((await fetch(`${listener.url}/metrics`)).status).toBe(200);
  });

  it("waits for a client that reads nothing without holding it all, and holds up nobody", async () => {
    let pieces = 0;
    const { listener } = await startAgent({
      metrics: metricsFrom(async function* () {
        for (; pieces < 10_000; pieces += 1) yield body;
      }),
    });
    const slow = await open(listener.port);
    slow.socket.pause();
    slow.socket.write(get("/metrics"));
    let before = -1;
    while (before !== pieces || pieces === 0) {
      before = pieces;
      expect(await isLive(listener)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(pieces).toBeLessThan(1_000);
  });

  it("lets go of every scrape that a client asked for ahead of the others' answers and then left", async () => {
    const { listener } = await startAgent({
      metrics: metricsFrom(async function* () {
        for (let pieces = 0; pieces < 100; pieces += 1) yield body;
      }),
    });
    for (let client = 0; client < 20; client += 1) {
      const leaver = await open(listener.port);
      leaver.socket.pause();
      // Only the first of them hears of the connection's end.
      leaver.socket.write(get("/metrics").repeat(20));
      await new Promise((resolve) => setTimeout(resolve, 20));
      leaver.socket.resetAndDestroy();
    }
    const scrape = async () => {
      const response = await fetch(`${listener.url}/metrics`);
      await response.arrayBuffer();
      return response.status;
    };
    await expect.poll(scrape, { timeout: 10_000 }).toBe(200);
    expect(await Promise.all(Array.from({ length: 10 }, scrape))).toEqual(Array(10).fill(200));
  });

  it("stops when the client leaves", async () => {
    const released = deferred();
    const { listener, errors } = await startAgent({
      metrics: metricsFrom(async function* () {
        try {
          for (;;) yield body;
        } finally {
          released.resolve(undefined);
        }
      }),
    });
    const leaver = await open(listener.port);
    leaver.socket.write(get("/metrics"));
    await leaver.until("xxx");
    leaver.socket.destroy();
    await released.promise;
    expect(errors).toEqual([]);
  });

  it("breaks off, so that a half exposition passes for none", async () => {
    const { listener } = await startAgent({
      metrics: metricsFrom(async function* () {
        yield "a 1\n";
        throw new Error("boom");
      }),
    });
    await expect(fetch(`${listener.url}/metrics`).then((response) => response.text())).rejects.toThrow();
  });
});

describe("in a host's own Express application", () => {
  it("probes and gate can be mounted anywhere, and leave the host's routes alone", async () => {
    const source = new FakeSource({ database: { status: "unhealthy", critical: true } });
    const app = express();
    app.use("/internal", createProbes(source));
    app.use(createProbes(source, { report: true }));
    app.use(createGate(source, { isExempt: ({ method }) => method === "POST" }));
    app.post("/health", (_req, res) => void res.send("the host's own"));
    app.get("/orders", (_req, res) => void res.send("orders"));
    const listener = await startListener(settings, app);
    cleanUp.push(() => listener.close(0));
    const ask = async (path: string, init?: RequestInit): Promise<readonly [number, string]> => {
      const response = await fetch(listener.url + path, init);
      return [response.status, await response.text()];
    };
    expect(await ask("/internal/livez")).toEqual([200, "OK"]);
    expect((await ask("/readyz"))[0]).toBe(503);
    expect((await ask("/health"))[0]).toBe(200);
    expect(await ask("/health", { method: "POST" })).toEqual([200, "the host's own"]);
    expect((await ask("/orders"))[0]).toBe(503);
    source.set("database", { status: "healthy", critical: true });
    expect(await ask("/orders")).toEqual([200, "orders"]);
  });
});

describe("closing", () => {
  it("finishes what is in flight, drops idle connections and refuses new ones", async () => {
    const gate = deferred();
    const { listener } = await startAgent({
      metrics: metricsFrom(async function* () {
        yield "first 1\n";
        await gate.promise;
        yield "last 1\n";
      }),
    });
    const idle = await open(listener.port);
    idle.socket.write(get("/livez"));
    await idle.until("OK");
    const busy = await open(listener.port);
    busy.socket.write(get("/metrics"));
    await busy.until("first 1");

    const closing = listener.close(10_000);
    await closed(idle.socket);
    expect(await refusal(listener.port)).toBe("ECONNREFUSED");
    expect(busy.socket.destroyed).toBe(false);
    gate.resolve(undefined);
    await closing;
    expect(busy.received()).toMatch(/last 1\n\r\n0\r\n\r\n$/);
  });

  it("answers everybody who had connected when it began", async () => {
    const { listener } = await startAgent();
    // As a signal does, this goes on where the event loop has looked for connections already.
    const client = await open(listener.port);
    client.socket.write(get("/livez"));
    await client.until("\r\n\r\nOK");
    const answers = Array.from({ length: 50 }, () => exchange(listener.port, getOnce("/livez")));
    // By now the kernel has their connections, and the server has taken none of them.
    await new Promise((resolve) => process.nextTick(resolve));
    await listener.close(5_000);
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/\r\n\r\nOK$/);
  });

  it("is prepared by a drain, which sends kept connections away one by one with their answers", async () => {
    const { listener, source } = await startAgent();
    const client = await open(listener.port);
    client.socket.write(get("/livez"));
    await client.until("OK");
    source.phase = "draining";
    client.socket.write(get("/readyz"));
    await closed(client.socket);
    expect(client.received()).toMatch(/HTTP\/1\.1 503 [\s\S]*\r\nConnection: close\r\n/);
  });

  it("cuts off at the end of its grace what does not finish", async () => {
    const { listener } = await startAgent({
      metrics: metricsFrom(async function* () {
        yield "first 1\n";
        await new Promise(() => {});
      }),
    });
    const stuck = await open(listener.port);
    stuck.socket.write(get("/metrics"));
    await stuck.until("first 1");
    const half = await open(listener.port);
    half.socket.write("GET /livez HTTP/1.1\r\n");
    await listener.close(100);
    await Promise.all([closed(stuck.socket), closed(half.socket)]);
  });

  it("can be asked for twice", async () => {
    const { listener } = await startAgent();
    await Promise.all([listener.close(1_000), listener.close(0)]);
    await listener.close(0);
  });
});
