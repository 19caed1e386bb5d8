import { describe, expect, it } from "vitest";
import { attr } from "../../src/semconv.js";
import { createHttpTarget, type HttpRequest, redactedUrl } from "../../src/wire/http-target.js";

const request: HttpRequest = { method: "GET", headers: {}, body: undefined, tls: {}, ipFamily: undefined };

/** The headers that would be sent, by lower-case name; a name that is sent twice fails. */
function headersOf(url: string, more: Partial<HttpRequest> = {}): Record<string, string> {
  const { requestHead } = createHttpTarget(new URL(url), { ...request, ...more });
  const headers: Record<string, string> = {};
  for (const line of requestHead.split("\r\n").slice(1, -1)) {
    const name = line.slice(0, line.indexOf(": ")).toLowerCase();
    expect(headers[name]).toBeUndefined();
    headers[name] = line.slice(line.indexOf(": ") + 2);
  }
  return headers;
}

describe("what is asked", () => {
  it("is the path with its query and without its fragment", () => {
    const firstLine = (url: string) => createHttpTarget(new URL(url), request).requestHead.split("\r\n")[0];
    expect(firstLine("http://a/b?c=d#e")).toBe("GET /b?c=d HTTP/1.1");
    expect(firstLine("http://a")).toBe("GET / HTTP/1.1");
  });

  it("goes to the port of the scheme unless the URL says one", () => {
    expect(createHttpTarget(new URL("http://a"), request).socket).toMatchObject({ host: "a", port: 80 });
    expect(createHttpTarget(new URL("https://a"), request).socket).toMatchObject({ host: "a", port: 443 });
    expect(createHttpTarget(new URL("https://[::1]:8443"), request).socket).toMatchObject({ host: "::1", port: 8443 });
  });

  it("asks for a plain answer on a connection that nobody keeps", () => {
    expect(headersOf("http://a:81/")).toEqual({
      host: "a:81",
      "user-agent": expect.stringMatching(/^healthspan\/\d/),
      accept: "*/*",
      "accept-encoding": "identity",
      connection: "close",
    });
  });

  it("carries the configured headers, which win over ours whatever their case", () => {
    const headers = headersOf("http://u:p@a/", {
      headers: { Host: "other", "USER-AGENT": "me", Authorization: "Bearer x" },
    });
    expect(headers).toMatchObject({ host: "other", "user-agent": "me", authorization: "Bearer x" });
  });

  it("turns the URL's credentials, percent-decoded, into Basic authentication", () => {
    const { authorization } = headersOf("http://us%40er:p%C3%A4ss%3Aword@a/");
    expect(authorization).toBe(`Basic ${Buffer.from("us@er:päss:word").toString("base64")}`);
    expect(headersOf("http://u:100%@a/").authorization).toBe(`Basic ${Buffer.from("u:100%").toString("base64")}`);
  });

  it("has no header that would begin another", () => {
    expect(() => headersOf("http://a/", { headers: { "x-key": "a\r\nx-other: b" } })).toThrow(TypeError);
  });

  it("says the length of a body in bytes, and none for methods that have none", () => {
    expect(headersOf("http://a/", { method: "POST", body: "hä" })["content-length"]).toBe("3");
    expect(headersOf("http://a/", { method: "POST" })["content-length"]).toBe("0");
    expect(headersOf("http://a/")["content-length"]).toBeUndefined();
  });
});

describe("the URL that a span shows", () => {
  it("has neither credentials nor query values nor a fragment", () => {
    const url = new URL("https://user:pass@a:8443/path/x?token=abc&b=&token=def#frag");
    expect(redactedUrl(url)).toBe("https://REDACTED:REDACTED@a:8443/path/x?token=REDACTED&b=REDACTED&token=REDACTED");
    expect(redactedUrl(new URL("https://only-a-token@a/"))).toBe("https://REDACTED:REDACTED@a/");
    expect(redactedUrl(new URL("http://a/b"))).toBe("http://a/b");
  });

  it("is in the attributes, with method, host and port", () => {
    expect(createHttpTarget(new URL("http://[::1]:81/?k=v"), request).attributes).toEqual({
      [attr.httpRequestMethod]: "GET",
      [attr.urlFull]: "http://[::1]:81/?k=REDACTED",
      [attr.serverAddress]: "::1",
      [attr.serverPort]: 81,
    });
  });
});
