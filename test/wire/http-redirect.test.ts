import { describe, expect, it } from "vitest";
import { CheckFailure, type Reason } from "../../src/check.js";
import { isRedirect, redirectedTarget } from "../../src/wire/http-redirect.js";
import { createHttpTarget, type HttpRequest } from "../../src/wire/http-target.js";

const secretHeaders = { authorization: "Bearer s3cret", "x-key": "k", "Content-Type": "text/plain" };
const from = (url: string, more: Partial<HttpRequest> = {}) =>
  createHttpTarget(new URL(url), {
    method: "GET",
    headers: secretHeaders,
    body: undefined,
    tls: { ca: "ca", cert: "cert", key: "key", serverName: "name", insecureSkipVerify: true },
    ipFamily: 4,
    ...more,
  });

function refusal(url: string, location: string | undefined, more: Partial<HttpRequest> = {}): Reason | undefined {
  try {
    redirectedTarget(from(url, more), 307, location);
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailure) return error.reason;
    throw error;
  }
}

describe("a redirect", () => {
  it("is 301, 302, 303, 307 or 308", () => {
    const redirects = Array.from({ length: 500 }, (_, index) => index + 100).filter(isRedirect);
    expect(redirects).toEqual([301, 302, 303, 307, 308]);
  });

  it("inside the origin keeps headers, credentials, client certificate and address family", () => {
    const next = redirectedTarget(from("https://u:p@a/x/y"), 302, "../z?q=1");
    expect(next.url.href).toBe("https://u:p@a/z?q=1");
    expect(next.request).toMatchObject({ headers: secretHeaders, tls: { cert: "cert", serverName: "name" } });
    expect(next.socket.ipFamily).toBe(4);
  });

  it.each(["https://b/", "https://a:444/", "//b/"])(
    "to another origin (%s) leaves headers, credentials and client certificate behind",
    (location) => {
      const next = redirectedTarget(from("https://u:p@a/"), 302, location);
      expect(next.url.username + next.url.password).toBe("");
      expect(next.request.headers).toEqual({});
      expect(next.request.tls).toEqual({ ca: "ca", insecureSkipVerify: true });
      expect(next.requestHead).not.toMatch(/s3cret|authorization|x-key/i);
    },
  );

  it("never takes credentials from where it leads", () => {
    expect(redirectedTarget(from("https://a/"), 302, "https://u:p@b/").requestHead).not.toMatch(/authorization/i);
    expect(redirectedTarget(from("https://u:p@a/"), 302, "https://evil:e@a/").url.href).toBe("https://u:p@a/");
  });

  it("from http to https on the same host counts as another origin", () => {
    expect(redirectedTarget(from("http://a/"), 301, "https://a/").request.headers).toEqual({});
  });

  it.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [301, "PUT", "PUT"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [303, "HEAD", "HEAD"],
  ])("with %i makes of %s a %s", (status, method, next) => {
    const { request } = redirectedTarget(from("http://a/", { method, body: "b" }), status, "/z");
    expect(request.method).toBe(next);
    expect(request.body).toBe(next === method ? "b" : undefined);
    expect("Content-Type" in request.headers).toBe(next === method);
  });

  it("is not followed from https to http, out of HTTP, or to a metadata address", () => {
    expect(refusal("https://a/", "http://a/")).toBe("unexpected");
    expect(refusal("https://a/", "http://b/")).toBe("unexpected");
    expect(refusal("http://a/", "file:///etc/passwd")).toBe("unexpected");
    expect(refusal("http://a/", "javascript:alert(1)")).toBe("unexpected");
    for (const host of ["169.254.169.254", "0xa9fea9fe", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"]) {
      expect(refusal("http://a/", `http://${host}/`), host).toBe("unexpected");
    }
    expect(refusal("http://a/", "http://127.0.0.1/")).toBeUndefined();
  });

  it("does not carry a body to another origin", () => {
    expect(refusal("http://a/", "http://b/", { method: "POST", body: "b" })).toBe("unexpected");
    expect(refusal("http://a/", "http://a/x", { method: "POST", body: "b" })).toBeUndefined();
  });

  it("that names no place is against the protocol", () => {
    expect(refusal("http://a/", undefined)).toBe("protocol");
    expect(refusal("http://a/", "http://[")).toBe("protocol");
  });
});
