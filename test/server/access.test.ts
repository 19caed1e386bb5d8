import { describe, expect, it } from "vitest";
import { createAccess } from "../../src/server/access.js";
import type { AccessSettings } from "../../src/server/settings.js";
import { localRequest, request } from "./exchange.js";

const settings: AccessSettings = { details: "authorized", token: "s3cret", trustLoopback: true };
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

function sees(own: Partial<AccessSettings>, req = request("/health")): boolean {
  return createAccess({ ...settings, ...own }).seesDetails(req);
}
const withAuthorization = (authorization: string) => request("/health", { headers: { authorization } });

describe("details by token", () => {
  it.each([
    ["Bearer s3cret", true],
    ["bearer s3cret", true],
    ["BEARER   s3cret ", true],
    ["Bearer s3cre", false],
    ["Bearer s3crets", false],
    ["Bearer", false],
    ["Bearer ", false],
    ["s3cret", false],
    ["Digest s3cret", false],
    [basic("anyone:s3cret"), true],
    [basic(":s3cret"), true],
    [basic("s3cret:"), false],
    [basic("s3cret"), false],
    ["Basic %%%", false],
  ])("%j opens them: %s", (authorization, expected) => {
    expect(sees({}, withAuthorization(authorization))).toBe(expected);
  });

  it("takes a password with colons and letters beyond ASCII whole", () => {
    expect(sees({ token: "a:b:ü" }, withAuthorization(basic("admin:a:b:ü")))).toBe(true);
  });

  it("never matches an empty credential when no token is set", () => {
    const token = undefined;
    expect(sees({ token, trustLoopback: false }, withAuthorization(basic("x:")))).toBe(false);
    expect(sees({ token: "", trustLoopback: false }, withAuthorization(basic("x:")))).toBe(false);
  });

  it("does not take the metrics token", () => {
    expect(sees({ metricsToken: "scrape" }, withAuthorization("Bearer scrape"))).toBe(false);
  });
});

describe("details for a client on this machine", () => {
  it.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])("peer %s is trusted", (from) => {
    expect(sees({}, localRequest("/health", { from }))).toBe(true);
  });

  it.each(["10.0.0.1", "128.0.0.1", "::ffff:10.0.0.1", "fe80::1", "2001:db8::127", ""])("peer %j is not", (from) => {
    expect(sees({}, localRequest("/health", { from }))).toBe(false);
  });

  it.each(["localhost", "LOCALHOST:9464", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:9464"])(
    "host %s is trusted",
    (host) => {
      expect(sees({}, localRequest("/health", { headers: { host } }))).toBe(true);
    },
  );

  it.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "localhost:9464@evil",
    "::1",
    "",
    "127.0.0.1:",
  ])("host %j, as after DNS rebinding, is not", (host) => {
    expect(sees({}, localRequest("/health", { headers: { host } }))).toBe(false);
  });

  it.each([
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-envoy-external-address",
  ])("a proxy that adds %s is not", (name) => {
    expect(sees({}, localRequest("/health", { headers: { [name]: "x" } }))).toBe(false);
  });

  it("a request target in absolute form, as proxies get it, is not", () => {
    expect(sees({}, localRequest("http://127.0.0.1:9464/health"))).toBe(false);
  });

  it("needs the setting", () => {
    expect(sees({ trustLoopback: false }, localRequest("/health"))).toBe(false);
  });
});

describe("the details rule", () => {
  it("`always` opens them to a stranger", () => {
    expect(sees({ details: "always" })).toBe(true);
  });

  it("`never` closes them to the token and to this machine", () => {
    expect(sees({ details: "never" }, withAuthorization("Bearer s3cret"))).toBe(false);
    expect(sees({ details: "never" }, localRequest("/health"))).toBe(false);
  });

  it("asks for credentials only where some would help", () => {
    expect(createAccess(settings).hasToken).toBe(true);
    expect(createAccess({ ...settings, token: undefined }).hasToken).toBe(false);
    expect(createAccess({ ...settings, details: "never" }).hasToken).toBe(false);
  });
});

describe("scraping", () => {
  const closed = createAccess({ ...settings, metricsToken: "scrape" });

  it("is open while no metrics token is set", () => {
    expect(createAccess(settings).mayScrape(request("/metrics"))).toBe(true);
    expect(createAccess({ ...settings, details: "never" }).mayScrape(request("/metrics"))).toBe(true);
  });

  it.each([
    ["Bearer scrape", true],
    [basic("prometheus:scrape"), true],
    ["Bearer s3cret", true],
    ["Bearer wrong", false],
  ])("with a metrics token, %j opens it: %s", (authorization, expected) => {
    expect(closed.mayScrape(request("/metrics", { headers: { authorization } }))).toBe(expected);
  });

  it("with a metrics token, is closed to this machine too", () => {
    expect(closed.mayScrape(localRequest("/metrics"))).toBe(false);
  });
});
