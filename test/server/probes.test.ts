import { describe, expect, it } from "vitest";
import { createProbes, isProbeRequest, type ProbesOptions } from "../../src/server/probes.js";
import { FakeResponse, localRequest, request } from "./exchange.js";
import { FakeSource } from "./fake-source.js";

const source = new FakeSource({ database: { status: "healthy", critical: true } });

/** The status code of the probes' answer, or `next` when they let the request through. */
function ask(options: ProbesOptions, url: string, method = "GET"): number | "next" {
  const res = new FakeResponse();
  let isNext = false;
  createProbes(source, options)(localRequest(url, { method }), res.asServerResponse(), () => {
    isNext = true;
  });
  return isNext ? "next" : res.statusCode;
}

describe("probes in a host's own server", () => {
  it.each(["/livez", "/healthz", "/readyz", "/startupz", "/livez/", "/readyz?verbose"])("answer %s", (path) => {
    expect(ask({}, path)).toBe(200);
    expect(ask({}, path, "HEAD")).toBe(200);
  });

  it.each(["/", "/ready", "/health", "/metrics", "/readyz/database", "/api/v1/report", "/orders"])(
    "leave %s to the host",
    (path) => {
      expect(ask({}, path)).toBe("next");
    },
  );

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("leave every %s to the host", (method) => {
    expect(ask({ report: true }, "/health", method)).toBe("next");
    expect(ask({}, "/livez", method)).toBe("next");
  });

  it("serve the report when asked to", () => {
    for (const path of ["/ready", "/health"]) expect(ask({ report: true }, path)).toBe(200);
    expect(ask({ report: true, details: "always" }, "/readyz/database")).toBe(200);
    expect(ask({ report: true, details: "always" }, "/health/database")).toBe(200);
    expect(ask({ page: true, details: "always" }, "/api/v1/report")).toBe(200);
  });

  it.each(["/internal", "internal", "/internal/", "internal/"])("move under the prefix %j", (prefix) => {
    expect(ask({ prefix }, "/internal/livez")).toBe(200);
    expect(ask({ prefix }, "/livez")).toBe("next");
  });

  it("rename a path, or give it up", () => {
    const paths = { "/readyz": "/ready", "/healthz": false } as const;
    expect(ask({ paths }, "/ready")).toBe(200);
    expect(ask({ paths }, "/readyz")).toBe("next");
    expect(ask({ paths }, "/healthz")).toBe("next");
    expect(ask({ paths }, "/livez")).toBe(200);
  });

  it.each([
    [{ pathz: {} }, /^probes: `pathz` is no option; write one of prefix, paths, /],
    [{ details: "allways" }, 'probes: `details` is "allways"; write always, authorized or never'],
    [{ paths: { "/readyz": "/livez" } }, /^paths: "\/livez" would be livez and readyz; rename one of them/],
    [{ report: true, paths: { "/readyz/{check}": "/one" } }, /becomes "\/one"; write `{check}` where its name stands$/],
    [{ paths: { "/readyz": "/{check}" } }, /becomes "\/{check}"; leave `{check}` out$/],
  ])("refuse %j, which would answer something else than was meant", (options, message) => {
    expect(() => createProbes(source, options as never)).toThrow(message);
  });

  it("take one path for two names of the same answer", () => {
    expect(ask({ report: true, paths: { "/readyz": "/ready" } }, "/ready")).toBe(200);
  });

  it("show no details to this machine unless told so: a host mostly sits behind a proxy", () => {
    const bodyOf = (options: ProbesOptions): string => {
      const res = new FakeResponse();
      createProbes(source, options)(localRequest("/readyz"), res.asServerResponse(), () => {});
      return res.body;
    };
    expect(bodyOf({})).not.toContain("database");
    expect(bodyOf({ trustLoopback: true })).toContain("database");
    expect(bodyOf({ details: "always" })).toContain("database");
  });

  it("know their own requests, renamed ones too", () => {
    const probes = createProbes(source, { prefix: "/x", paths: { "/livez": "/alive" } });
    expect(probes.owns(request("/x/alive"))).toBe(true);
    expect(probes.owns(request("/x/alive", { method: "POST" }))).toBe(false);
    expect(probes.owns(request("/x/livez"))).toBe(false);
  });
});

describe("telling a probe's request", () => {
  it.each([
    "/livez",
    "/readyz",
    "/healthz",
    "/startupz",
    "/readyz/",
    "/readyz?verbose",
    "/internal/readyz",
    "/readyz/redis",
  ])("%s is one", (url) => {
    expect(isProbeRequest(request(url))).toBe(true);
  });

  it.each([
    "/",
    "/orders",
    "/health",
    "/readyzz",
    "/livez/orders",
    "/orders?next=/orders",
    "/xlivez",
    "/livezz/readyy",
  ])("%s is none", (url) => {
    expect(isProbeRequest(request(url))).toBe(false);
  });

  it("is no probe because its query names one", () => {
    expect(isProbeRequest(request("/orders?from=/livez"))).toBe(false);
  });

  it("is no probe with another method, or without a URL", () => {
    expect(isProbeRequest({ method: "POST", url: "/livez" })).toBe(false);
    expect(isProbeRequest({ method: "GET" })).toBe(false);
  });
});
