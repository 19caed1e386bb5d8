import { PassThrough } from "node:stream";
import { parse } from "pg-protocol";
import { describe, expect, it } from "vitest";
import type { CheckFailure } from "../../src/check.js";
import { guardParser } from "../../src/wire/postgres-frames.js";

const message = (type: string, body: string | Buffer): Buffer => {
  const content = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeUInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
};
const authenticationOk = message("R", Buffer.from([0, 0, 0, 0]));
const wellFormedError = message("E", "SFATAL\0C28P01\0Mno\0\0");

/** What pg's parser made of the chunks, and what the guard ended the stream with. */
async function feed(...chunks: readonly (Buffer | string)[]) {
  const stream = new PassThrough();
  const names: string[] = [];
  void parse(stream, (parsed) => names.push(parsed.name));
  guardParser(stream);
  const ended = new Promise<CheckFailure | undefined>((resolve) => {
    stream.on("error", (error) => resolve(error as CheckFailure));
    stream.on("end", () => resolve(undefined));
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return { names, failure: await ended };
}

describe("between pg's parser and its peer", () => {
  it("hands on what is well formed, however it is cut", async () => {
    const whole = Buffer.concat([authenticationOk, wellFormedError, message("Z", "I")]);
    const expected = { names: ["authenticationOk", "error", "readyForQuery"], failure: undefined };
    expect(await feed(whole)).toEqual(expected);
    expect(await feed(...Array.from(whole, (byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it.each([
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["a single byte of another protocol", "-"],
    ["a length that no first message has", "Rubbish that goes on"],
    ["a length below its own", Buffer.from([0x52, 0, 0, 0, 3])],
  ])("knows %s for no PostgreSQL", async (_name, answer) => {
    expect((await feed(answer)).failure).toMatchObject({ reason: "protocol" });
  });

  it.each([
    ["no end at all", "SFATAL"],
    ["no zero after the last field", "SFATAL\0"],
    ["nothing in it", ""],
  ])("refuses an error with %s, which the parser would read forever", async (_name, body) => {
    const { names, failure } = await feed(authenticationOk, message("E", body));
    expect(names).toEqual(["authenticationOk"]);
    expect(failure).toMatchObject({ reason: "protocol" });
  });

  it("turns what the parser throws into a failure", async () => {
    const truncated = message("T", Buffer.from([0, 9]));
    expect((await feed(authenticationOk, truncated)).failure).toMatchObject({ reason: "protocol" });
    const gss = message("R", Buffer.from([0, 0, 0, 7]));
    expect((await feed(gss)).failure).toMatchObject({ reason: "auth" });
  });

  it("stops a message and a session that are too long", async () => {
    const long = Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff]);
    expect((await feed(authenticationOk, long)).failure).toMatchObject({ reason: "unexpected" });
    const row = message("D", Buffer.concat([Buffer.from([0, 1, 0, 0x0e, 0, 0]), Buffer.alloc(0x0e_00_00)]));
    const { names, failure } = await feed(authenticationOk, ...Array<Buffer>(20).fill(row));
    expect(failure).toMatchObject({ reason: "unexpected" });
    expect(names.length).toBeLessThan(20);
  });
});
