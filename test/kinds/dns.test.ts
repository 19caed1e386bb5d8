import { describe, expect, it } from "vitest";
import { optionsJsonSchema } from "../../src/check.js";
import { dnsKind } from "../../src/kinds/dns.js";

const problems = (options: unknown) =>
  dnsKind.options.safeParse(options).error?.issues.map(({ path }) => path.join("."));

describe("the options of a dns check", () => {
  it("ask for a name and nothing else; the type is A", () => {
    expect(dnsKind.options.parse({ hostname: "db" })).toEqual({ hostname: "db", type: "A" });
    expect(problems({})).toEqual(["hostname"]);
  });

  it.each(["app.test", "app.test.", "_http._tcp.app.test", "2.0.0.127.in-addr.arpa", "bücher.example", "*.app.test"])(
    "take the name %s",
    (hostname) => expect(problems({ hostname })).toBeUndefined(),
  );

  it.each([
    "",
    ".",
    "a..b",
    "a b",
    "http://a",
    "a:53",
    "user@a",
    "127.0.0.1",
    "::1",
    `${"x".repeat(64)}.test`,
    `${"x.".repeat(127)}test`,
  ])("refuse %j as a name", (hostname) => expect(new Set(problems({ hostname }))).toEqual(new Set(["hostname"])));

  it.each(["10.0.0.2", "10.0.0.2:5353", "::1", "[::1]", "[::1]:53"])("take the resolver %s", (resolver) => {
    expect(problems({ hostname: "a", resolver })).toBeUndefined();
  });

  it.each(["dns.internal:53", "10.0.0.2:0", "10.0.0.2:65536", "fe80::1%eth0", "[fe80::1%eth0]:53", ""])(
    "refuse the resolver %j",
    (resolver) => expect(problems({ hostname: "a", resolver })).toEqual(["resolver"]),
  );

  it("refuse expected answers that no record of the type can be", () => {
    expect(problems({ hostname: "a", expect: ["10.0.0.1", "::1"] })).toEqual(["expect.1"]);
    expect(problems({ hostname: "a", type: "AAAA", expect: ["10.0.0.1"] })).toEqual(["expect.0"]);
    expect(problems({ hostname: "a", type: "TXT", expect: ["anything"] })).toBeUndefined();
    expect(problems({ hostname: "a", expect: [] })).toEqual(["expect"]);
    expect(problems({ hostname: "a", type: "ANY" })).toEqual(["type"]);
  });

  it("all say what they mean", () => {
    const properties = Object.values(optionsJsonSchema(dnsKind).properties ?? {});
    expect(properties).toHaveLength(4);
    for (const property of properties) expect(property).toHaveProperty("description");
  });
});

describe("a URL", () => {
  it.each([
    ["dns:app.test", { hostname: "app.test" }],
    ["dns:///app.test", { hostname: "app.test" }],
    ["dns:app.test?type=mx", { hostname: "app.test", type: "MX" }],
    ["dns://10.0.0.2/app.test", { hostname: "app.test", resolver: "10.0.0.2" }],
    ["dns://[::1]:5353/app.test?type=AAAA", { hostname: "app.test", type: "AAAA", resolver: "[::1]:5353" }],
    ["dns://10.0.0.2", undefined],
    ["http://app.test", undefined],
  ])("%s becomes %j", (url, options) => {
    expect(dnsKind.fromUrl?.(new URL(url))).toEqual(options);
    if (options) expect(problems(options)).toBeUndefined();
  });
});
