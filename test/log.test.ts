import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createLog, type LogOptions } from "../src/log.js";

async function logTo(options: Partial<LogOptions> = {}) {
  const stream = new PassThrough();
  const log = await createLog({ secrets: [], stream, ...options });
  const text = async (): Promise<string> => {
    await log.flush();
    return String(stream.read() ?? "");
  };
  return { log, text };
}

describe("the process log", () => {
  it("writes one JSON line with level, time, fields and message", async () => {
    const { log, text } = await logTo();
    log.info({ check: "database", status: "healthy" }, "check registered");
    const line = await text();
    expect(line.endsWith("\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      check: "database",
      status: "healthy",
      msg: "check registered",
    });
  });

  it("says nothing below its level", async () => {
    const { log, text } = await logTo({ level: "warn" });
    log.debug({}, "one");
    log.info({}, "two");
    log.warn({}, "three");
    log.error({}, "four");
    const lines = (await text()).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["three", "four"]);
  });

  it("scrubs the message, nested fields and the text of errors", async () => {
    const { log, text } = await logTo({ secrets: ["hunter2"] });
    log.error(
      { url: "postgres://a:hunter2@db", tried: ["hunter2", { password: "hunter2" }], error: new Error("bad hunter2") },
      "sign-in with hunter2 failed",
    );
    const line = await text();
    expect(line).not.toContain("hunter2");
    expect(JSON.parse(line)).toMatchObject({ tried: ["***", { password: "***" }], error: "bad ***" });
  });

  it("scrubs what it is told of later, and still what it knew before", async () => {
    const { log, text } = await logTo({ secrets: ["hunter2"] });
    log.hide(["correct horse"]);
    log.info({ old: "hunter2" }, "correct horse");
    expect(JSON.parse(await text())).toMatchObject({ old: "***", msg: "***" });
  });

  it("gives an error's message, and its stack at level debug only", async () => {
    const plain = await logTo();
    plain.log.error({ error: new Error("broken") }, "failed");
    expect(JSON.parse(await plain.text()).error).toBe("broken");
    const verbose = await logTo({ level: "debug" });
    verbose.log.error({ error: new Error("broken") }, "failed");
    expect(JSON.parse(await verbose.text()).error).toMatch(/^Error: broken\n\s+at /);
  });

  it("survives a field that holds itself", async () => {
    const { log, text } = await logTo();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    log.info({ loop }, "round and round");
    expect(JSON.parse(await text()).msg).toBe("round and round");
  });

  it("is one line of words when pretty, without colours unless asked for", async () => {
    const { log, text } = await logTo({ pretty: true });
    log.warn({ check: "redis", error: new Error("gone") }, "check is unhealthy");
    const line = await text();
    expect(line.trim().split("\n")).toHaveLength(1);
    expect(line).toMatch(/^\[\d\d:\d\d:\d\d\] WARN: check is unhealthy: gone\n$/);
    expect(line).not.toContain("\u001B");
    const coloured = await logTo({ pretty: true, colors: true });
    coloured.log.warn({}, "check is unhealthy");
    expect(await coloured.text()).toContain("\u001B[");
  });

  it("shows people the fields at level debug", async () => {
    const { log, text } = await logTo({ pretty: true, level: "debug" });
    log.info({ check: "redis" }, "check registered");
    expect(await text()).toContain('{"check":"redis"}');
  });

  it("drops lines that nobody reads instead of keeping them all", async () => {
    const written: string[] = [];
    const stalled = new Writable({ write: (chunk) => void written.push(String(chunk)) });
    const log = await createLog({ secrets: [], stream: stalled });
    for (let index = 0; index < 5_000; index += 1) log.info({ index }, "x".repeat(1_000));
    expect(stalled.writableLength).toBeLessThan(1_200_000);
    expect(stalled.writableLength).toBeGreaterThan(900_000);
  });

  it("says that lines are lost where somebody else reads, and how many there were once it can be written again", async () => {
    let isFull = false;
    const written: string[] = [];
    const complaints: string[] = [];
    const disk = new Writable({
      write: (chunk, _encoding, done) => {
        if (!isFull) written.push(String(chunk));
        done(isFull ? Object.assign(new Error("no space left on device"), { code: "ENOSPC" }) : null);
      },
      // As Node's own standard output, which no error ends.
      destroy(_error, done) {
        done(null);
        (this as unknown as { _undestroy(): void })._undestroy();
      },
    });
    const log = await createLog({ secrets: [], stream: disk, complain: (line) => void complaints.push(line) });
    const say = async (message: string): Promise<void> => {
      log.info({}, message);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await say("before");
    isFull = true;
    for (const message of ["one", "two", "three"]) await say(message);
    isFull = false;
    await say("after");
    const lines = written.map((line) => JSON.parse(line) as { msg: string; lost?: number });
    expect(complaints).toEqual(["healthspan: the log cannot be written (ENOSPC); lines are lost until it can\n"]);
    expect(lines.map(({ msg }) => msg)).toEqual(["before", "after", "3 lines of the log were lost: ENOSPC"]);
    expect(lines.at(-1)?.lost).toBe(3);
  });

  it("ends a flush although nobody reads", async () => {
    const stalled = new Writable({ write: () => {} });
    const log = await createLog({ secrets: [], stream: stalled });
    log.info({}, "lost");
    await expect(log.flush(20)).resolves.toBeUndefined();
  });

  it("goes on when its stream breaks", async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const log = await createLog({ secrets: [], stream: broken });
    log.info({}, "one");
    await log.flush(20);
    expect(() => log.info({}, "two")).not.toThrow();
  });
});
