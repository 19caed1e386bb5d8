import { describe, expect, it } from "vitest";
import {
  badRequest,
  bodyMismatch,
  expectStatus,
  headerMismatch,
  retryAfterMs,
  statusMismatch,
  valueAt,
} from "../../src/wire/http-expectation.js";
import type { ExpectedStatus, HttpExpectation } from "../../src/wire/http-options.js";

const statusReason = (status: number, expected: ExpectedStatus | readonly ExpectedStatus[] = "2xx") =>
  statusMismatch(status, expectStatus(expected))?.reason;

describe("the expected status", () => {
  it("may be a class, a number or a list of both", () => {
    expect(statusReason(204)).toBeUndefined();
    expect(statusReason(300)).toBe("unexpected");
    expect(statusReason(199)).toBe("unexpected");
    expect(statusReason(418, 418)).toBeUndefined();
    expect(statusReason(200, 418)).toBe("unexpected");
    expect(statusReason(503, ["3xx", 503])).toBeUndefined();
    expect(statusReason(302, ["3xx", 503])).toBeUndefined();
    expect(statusReason(200, ["3xx", 503])).toBe("unexpected");
  });

  it.each([
    [401, "auth"],
    [403, "auth"],
    [404, "not_found"],
    [429, "overloaded"],
    [503, "unavailable"],
    [400, "unexpected"],
    [500, "unexpected"],
    [502, "unexpected"],
    [302, "unexpected"],
  ])("is missed by %i as %s", (status, reason) => {
    expect(statusReason(status)).toBe(reason);
  });

  it("is named in the message together with the actual one", () => {
    expect(statusMismatch(500, expectStatus(["2xx", 404]))?.message).toBe("HTTP 500, expected 2xx or 404");
  });
});

describe("expected headers", () => {
  const headers = { "content-type": "application/json; charset=utf-8", "set-cookie": "a=1, b=2" };

  it("hold when the value contains the text, whatever the case of the name", () => {
    expect(headerMismatch(headers, { "Content-Type": "application/json" })).toBeUndefined();
    expect(headerMismatch(headers, { "set-cookie": "b=2" })).toBeUndefined();
    expect(headerMismatch(headers, undefined)).toBeUndefined();
  });

  it("only have to be there when the text is empty", () => {
    expect(headerMismatch(headers, { "content-type": "" })).toBeUndefined();
    expect(headerMismatch(headers, { etag: "" })).toMatchObject({ message: "header etag is missing" });
  });

  it("are missing where only the language has something of that name", () => {
    expect(headerMismatch({}, { constructor: "" })?.message).toBe("header constructor is missing");
  });

  it("keep what the target said out of the message", () => {
    const mismatch = headerMismatch({ server: "evil\u001b[31m" }, { server: "nginx" });
    expect(mismatch?.message).toBe("header server lacks the expected text");
    expect(mismatch?.detail).toBe("evil [31m");
  });
});

describe("the expected body", () => {
  const judge = (text: string, expected: Omit<HttpExpectation, "status">, isWhole = true) =>
    bodyMismatch({ text, isWhole }, { status: "2xx", ...expected });

  it("contains a text, letter case included", () => {
    expect(judge("all UP here", { bodyContains: "UP" })).toBeUndefined();
    expect(judge("all up here", { bodyContains: "UP" })).toMatchObject({
      reason: "unexpected",
      message: "body lacks the expected text",
      detail: "all up here",
    });
  });

  it("says that it was cut when the text may be in what was not read", () => {
    expect(judge("beginning", { bodyContains: "end" }, false)?.message).toContain("maxBodyBytes");
    expect(judge("beginning", { bodyContains: "begin" }, false)).toBeUndefined();
  });

  it("holds JSON values, compared by type and as a whole", () => {
    const text = '{"status":"up","n":1,"list":[{"id":7,"ok":true}],"none":null}';
    expect(judge(text, { json: { "/status": "up", "/n": 1, "/list/0": { ok: true, id: 7 }, "/none": null } })).toBe(
      undefined,
    );
    expect(judge(text, { json: { "/n": "1" } })).toMatchObject({
      reason: "unexpected",
      message: "JSON at /n is not the expected value",
      detail: "1",
    });
    expect(judge(text, { json: { "/missing": null } })?.message).toBe("JSON has nothing at /missing");
    expect(judge("[1,2]", { json: { "": [1, 2] } })).toBeUndefined();
    expect(judge("[1,2]", { json: { "": [2, 1] } })?.message).toBe("JSON at the document is not the expected value");
  });

  it("may start with a byte order mark", () => {
    expect(judge('\uFEFF{"a":1}', { json: { "/a": 1 } })).toBeUndefined();
  });

  it("is no JSON when it is HTML, or was cut", () => {
    expect(judge("<html>", { json: { "/a": 1 } })?.message).toBe("body is no JSON");
    expect(judge('{"a":1', { json: { "/a": 1 } }, false)?.message).toContain("maxBodyBytes");
  });

  it("quotes at most 256 characters of a hostile body, and no control characters", () => {
    const detail = judge(`\u0000\u001b[2J${"x".repeat(5_000)}`, { bodyContains: "UP" })?.detail ?? "";
    expect(detail.length).toBe(256);
    expect(detail).not.toMatch(/\p{Cc}/u);
  });
});

describe("JSON that nests deeper than anybody can follow", () => {
  const depth = 200_000;
  const text = "[".repeat(depth) + "]".repeat(depth);

  it("is another value than the expected one", () => {
    const mismatch = bodyMismatch({ text, isWhole: true }, { status: "2xx", json: { "": [1] } });
    expect(mismatch).toEqual({ reason: "unexpected", message: "JSON at the document is not the expected value" });
  });
});

describe("a JSON Pointer", () => {
  // The document and the answers of RFC 6901, section 5.
  const document = { foo: ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, 'k"l': 6, " ": 7, "m~n": 8 };

  it.each([
    ["", document],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/c%d", 2],
    ["/e^f", 3],
    ['/k"l', 6],
    ["/ ", 7],
    ["/m~0n", 8],
  ])("%j finds its value", (pointer, value) => {
    expect(valueAt(document, pointer)).toEqual(value);
  });

  it.each(["/foo/2", "/foo/-", "/foo/01", "/foo/length", "/nope", "/foo/0/x", "/__proto__", "/constructor"])(
    "%j finds nothing",
    (pointer) => {
      expect(valueAt(document, pointer)).toBeUndefined();
    },
  );

  it("unescapes ~01 to ~1, not to a slash", () => {
    expect(valueAt({ "~1": "yes", "/": "no" }, "/~01")).toBe("yes");
  });
});

describe("Retry-After", () => {
  const now = Date.UTC(2026, 10, 21, 12, 0, 0);

  it("is seconds or a date", () => {
    expect(retryAfterMs("120", now)).toBe(120_000);
    expect(retryAfterMs("Sat, 21 Nov 2026 12:00:30 GMT", now)).toBe(30_000);
  });

  it("counts for an hour at most", () => {
    expect(retryAfterMs("86400", now)).toBe(3_600_000);
    expect(retryAfterMs("9".repeat(400), now)).toBe(3_600_000);
    expect(retryAfterMs("Sun, 22 Nov 2026 12:00:00 GMT", now)).toBe(3_600_000);
  });

  it.each([undefined, "", "0", "-5", "soon", "Sat, 21 Nov 2026 11:00:00 GMT"])("says nothing by %j", (value) => {
    expect(retryAfterMs(value, now)).toBeUndefined();
  });
});

describe("a bad request", () => {
  it.each([
    ["<center>No required SSL certificate was sent</center>", "tls", "client certificate"],
    ["<center>The SSL certificate error</center>", "tls", "rejects our client certificate"],
    ["<center>The plain HTTP request was sent to HTTPS port</center>", "protocol", "https"],
    ["Client sent an HTTP request to an HTTPS server.\n", "protocol", "https"],
    ["Reason: You're speaking plain HTTP to an SSL-enabled server port.", "protocol", "https"],
  ])("is explained by what servers say: %s", (body, reason, hint) => {
    expect(badRequest(body)).toMatchObject({ reason, hint: expect.stringContaining(hint) });
  });

  it("is not explained by guessing", () => {
    expect(badRequest("no")).toBeUndefined();
  });
});
