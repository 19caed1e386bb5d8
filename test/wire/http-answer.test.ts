import { type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HttpAnswer } from "../../src/wire/http-answer.js";
import { bodyReader } from "../../src/wire/http-exchange.js";
import { maxHeadBytes } from "../../src/wire/http-head.js";

interface Read {
  readonly status?: number;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** Empty when the answer was complete. */
  readonly error: string;
}

interface Wire {
  readonly method?: string;
  /** The peer closes at the end. */
  readonly closes?: boolean;
  readonly maxBytes?: number;
}

/** What is read of an answer that comes in these pieces, through one buffer that the next piece overwrites. */
function read(pieces: readonly Buffer[], { method = "GET", closes = true, maxBytes = 1e9 }: Wire = {}): Read {
  const answer = new HttpAnswer(method);
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)));
  let found: Read = { body: "", error: "unsettled" };
  const fail = (error: unknown): void => {
    const { reason, code, message } = error as { reason?: string; code?: string; message: string };
    found = { ...found, error: reason ?? code ?? message };
  };
  const gathered: Buffer[] = [];
  answer.awaitHead(({ status, version, headers }) => {
    found = { ...found, status, version, headers: { ...headers } };
    const body = bodyReader(
      maxBytes,
      true,
      ({ bytes }) => (found = { ...found, body: String(bytes), error: "" }),
      fail,
    );
    const piece = (bytes: Buffer): void => {
      gathered.push(Buffer.from(bytes));
      body.piece(bytes);
    };
    answer.read({ ...body, piece });
  }, fail);
  for (const piece of pieces) {
    piece.copy(shared);
    answer.bytes(shared.subarray(0, piece.length));
  }
  if (closes) answer.closed();
  return found.error === "" ? found : { ...found, body: String(Buffer.concat(gathered)) };
}

const whole = (text: string, wire?: Wire): Read => read([Buffer.from(text, "latin1")], wire);

/** The same as Node's own client reads it, over a connection that is none. */
function byNode(raw: Buffer, method: string): Promise<Read> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback() });
  return new Promise((resolve, reject) => {
    const outgoing = request({ createConnection: () => socket as never, method, headers: ["connection", "close"] });
    outgoing.on("error", reject);
    outgoing.on("response", (response: IncomingMessage) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const headers = Object.entries(response.headers).map(([name, value]) => [
          name,
          String(value).replace(/,(?! )/g, ", "),
        ]);
        const { statusCode = 0, httpVersion: version } = response;
        resolve({
          status: statusCode,
          version,
          headers: Object.fromEntries(headers),
          body: String(Buffer.concat(pieces)),
          error: "",
        });
      });
    });
    outgoing.end();
    socket.push(raw);
    socket.push(null);
  });
}

const letters = "abcdefghijklmnopqrstuvwxyz-";
const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 8 });
const value = fc.string({ unit: fc.constantFrom("a", "B", "7", ";", "=", '"', " ", "\t", "é"), maxLength: 12 });
const field = fc.tuple(
  fc.oneof(
    word.map((name) => `x-${name}`),
    fc.constantFrom("Set-Cookie", "Location", "Content-Type", "Retry-After", "X-A", "x-a"),
  ),
  value.map((text) => text.trim()),
);
const bodyPieces = fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), { maxLength: 5 });
const chunk = (piece: string, extension: string) => `${piece.length.toString(16)}${extension}\r\n${piece}\r\n`;

/** An answer as a server may send it, with interim heads, in any of the ways a body may be framed. */
const answers = fc
  .record({
    interim: fc.constantFrom("", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    version: fc.constantFrom("1.1", "1.0"),
    status: fc.oneof(fc.constantFrom(200, 204, 301, 304, 404, 500), fc.integer({ min: 200, max: 999 })),
    reason: fc.constantFrom(" OK", " ", "", " Not \xe4 word"),
    fields: fc.array(field, { maxLength: 6 }),
    pieces: bodyPieces,
    framing: fc.constantFrom("length", "chunks", "close"),
    extension: fc.constantFrom("", ";a=b"),
    trailer: fc.constantFrom("", "X-Trailer: 1\r\n"),
  })
  .map(({ interim, version, status, reason, fields, pieces, framing, extension, trailer }) => {
    const body = pieces.join("");
    const framed = {
      length: [`Content-Length: ${body.length}\r\n`, body],
      chunks: [
        "Transfer-Encoding: chunked\r\n",
        `${pieces.map((piece) => chunk(piece, extension)).join("")}0\r\n${trailer}\r\n`,
      ],
      close: ["", body],
    }[framing] as [string, string];
    const lines = fields.map(([name, text]) => `${name}: ${text}\r\n`).join("");
    return {
      status,
      head: `${interim}HTTP/${version} ${status}${reason}\r\n${lines}${framed[0]}\r\n`,
      body: framed[1],
    };
  });

/** A body where there may be one: Node's client takes another for the beginning of a second answer. */
const textOf = ({ status, head, body }: { status: number; head: string; body: string }, method: string): string =>
  method === "HEAD" || status === 204 || status === 304 ? head : head + body;

const cutAt = (raw: Buffer, places: readonly number[]): Buffer[] => {
  const cuts = [...new Set(places.map((place) => place % (raw.length + 1)))].sort((a, b) => a - b);
  return [...cuts, raw.length].map((end, index) => raw.subarray(index === 0 ? 0 : cuts[index - 1], end));
};

describe("an answer", () => {
  it("is read as Node's own client reads it, however it is cut", async () => {
    const method = fc.constantFrom("GET", "HEAD");
    await fc.assert(
      fc.asyncProperty(answers, method, fc.array(fc.nat(4_000), { maxLength: 20 }), async (answer, asked, places) => {
        const raw = Buffer.from(textOf(answer, asked), "latin1");
        const ours = read(cutAt(raw, places), { method: asked });
        const theirs = await byNode(raw, asked);
        const headers = Object.fromEntries(
          Object.entries(ours.headers ?? {}).map(([name, text]) => [name, String(text).replace(/,(?! )/g, ", ")]),
        );
        expect({ ...ours, headers }).toEqual(theirs);
      }),
      { numRuns: 300 },
    );
  });

  it("is read the same whole and byte by byte, broken ones too, and always comes to an end", () => {
    const damage = fc.record({
      at: fc.nat(400),
      removed: fc.nat(3),
      put: fc.string({ unit: "binary-ascii", maxLength: 3 }),
    });
    fc.assert(
      fc.property(answers, fc.array(damage, { minLength: 1, maxLength: 3 }), (answer, damages) => {
        const broken = damages.reduce(
          (all, { at, removed, put }) => all.slice(0, at) + put + all.slice(at + removed),
          answer.head + answer.body,
        );
        const raw = Buffer.from(broken, "latin1");
        const atOnce = read([raw]);
        expect(atOnce.error).toMatch(/^(|protocol|ECONNRESET)$/);
        expect(read([...raw].map((byte) => Buffer.from([byte])))).toEqual(atOnce);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["without a status line", "220 mail ESMTP\r\n"],
    ["in another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["with a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["with control characters in its head", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"],
    ["with a bare carriage return in its head", "HTTP/1.1 200 OK\r\nX: a\rY: b\r\n\r\n"],
    ["with a blank before the colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n"],
    ["with a line that is no header", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n"],
    ["with a blank ahead of its first header", "HTTP/1.1 200 OK\r\n Content-Length: 1\r\n\r\nab"],
    ["with two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"],
    ["with a length below zero", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["with a length in hexadecimal", "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\na"],
    ["with a length beyond all counting", `HTTP/1.1 200 OK\r\nContent-Length: ${"9".repeat(16)}\r\n\r\na`],
    ["with a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["with a chunk below zero", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"],
    ["with a chunk longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"],
    ["with a chunk beyond all counting", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"f".repeat(14)}\r\n`],
    [
      "with a chunk line that never ends",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${"a".repeat(maxHeadBytes)}`,
    ],
    [
      "with a trailer that never ends",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(maxHeadBytes)}`,
    ],
    ["with a head that never ends", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(maxHeadBytes)}`],
    ["with a head that is too long", `HTTP/1.1 200 OK\r\na: ${"b".repeat(maxHeadBytes)}\r\n\r\n`],
    ["with more than 32 interim heads", "HTTP/1.1 100 Continue\r\n\r\n".repeat(33)],
  ])("%s is none", (_what, text) => {
    expect(whole(text, { closes: false })).toMatchObject({ error: "protocol" });
  });

  it.each([
    ["with chunks whose lines lack the carriage return", "2\nok\n0\n\n"],
    ["with a chunk that is a byte short of what it says", "3\r\nok\r\n0\r\n\r\n"],
    ["with control characters beside a chunk's size", "2;a=\0\r\nok\r\n0\r\n\r\n"],
    ["with a carriage return beside a chunk's size", "2;a=\rb\r\nok\r\n0\r\n\r\n"],
    ["with control characters in its trailer", "2\r\nok\r\n0\r\nX: \0\r\n\r\n"],
    ["with a trailer that is no header", "2\r\nok\r\n0\r\nnothing\r\n\r\n"],
  ])("%s is none", (_what, chunks) => {
    const text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
    expect(whole(text, { closes: false })).toMatchObject({ error: "protocol" });
  });

  it.each([
    ["a carriage return", "HTTP/1.1 200 OK\rX: a\r"],
    ["control characters", "HTTP/1.1 200 OK\r\nX: \0"],
    ["a line that is no status line", "HTTP/1.1 two\r\n"],
  ])("that stalls behind %s is none already", (_what, text) => {
    expect(whole(text, { closes: false })).toMatchObject({ error: "protocol" });
    expect(
      read(
        [...Buffer.from(text)].map((byte) => Buffer.from([byte])),
        { closes: false },
      ).error,
    ).toBe("protocol");
  });

  it("has nothing but blanks and tabs around a value taken away", () => {
    const text = "HTTP/1.1 200 OK\r\nX-A: \t l\xc3\xa0 \t\r\n";
    expect(whole(`${text}\r\n`)).toMatchObject({ headers: { "x-a": "l\xc3\xa0" } });
    expect(whole(`${text}Content-Length: 2\xa0\r\n\r\nok`).error).toBe("protocol");
    expect(whole(`${text}Transfer-Encoding: \xa0chunked\r\n\r\nok`).body).toBe("ok");
  });

  it("may write its lengths with zeros ahead", () => {
    const zeros = "0".repeat(30);
    expect(whole(`HTTP/1.1 200 OK\r\nContent-Length: ${zeros}2\r\n\r\nok`)).toMatchObject({ body: "ok", error: "" });
    const chunks = `Transfer-Encoding: chunked\r\n\r\n${zeros}2\r\nok\r\n${zeros}\r\n\r\n`;
    expect(whole(`HTTP/1.1 200 OK\r\n${chunks}`)).toMatchObject({ body: "ok", error: "" });
  });

  it.each(["HEAD", "204", "304"])("without a body (%s) may say of its length what it likes", (what) => {
    const lengths = "Content-Length: x\r\nTransfer-Encoding: chunked\r\n";
    const text = `HTTP/1.1 ${what === "HEAD" ? "200" : what} OK\r\n${lengths}\r\n`;
    expect(whole(text, { method: what === "HEAD" ? what : "GET", closes: false }).error).toBe("");
  });

  it.each([
    ["before its head", "HTTP/1.1 200 OK\r\n"],
    ["with nothing said", ""],
    ["within its length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"],
    ["within its chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"],
    ["before its last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"],
  ])("that the peer ends %s is broken off", (_when, text) => {
    expect(whole(text).error).toBe("ECONNRESET");
    expect(whole(text, { closes: false }).error).toBe("unsettled");
  });

  it("may end its lines without a carriage return, and go on with a header in the next line", () => {
    const text = "HTTP/1.1 200 OK\nX-A: one\n\ttwo\nContent-Length: 2\n\nok";
    expect(whole(text, { closes: false })).toMatchObject({ headers: { "x-a": "one two" }, body: "ok", error: "" });
  });

  it("is complete by itself: what follows it is no matter of it", () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500";
    expect(whole(text)).toMatchObject({ status: 200, body: "ok", error: "" });
  });

  it("has names that are words of our language like any other", () => {
    const { headers } = whole("HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\n\r\n");
    expect(Object.entries(headers ?? {})).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });

  it("is read no further than asked", () => {
    expect(whole(`HTTP/1.1 200 OK\r\n\r\n${"a".repeat(100)}`, { maxBytes: 10, closes: false })).toMatchObject({
      body: "aaaaaaaaaa",
      error: "",
    });
  });

  it("keeps what came of its body before anybody read it", () => {
    const answer = new HttpAnswer("GET");
    const shared = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    answer.bytes(shared);
    shared.fill(0);
    let body = "";
    answer.read(
      bodyReader(
        10,
        true,
        ({ bytes }) => (body = String(bytes)),
        () => {},
      ),
    );
    expect(body).toBe("ok");
  });
});
