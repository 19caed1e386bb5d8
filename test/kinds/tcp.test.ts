import { describe, expect, it } from "vitest";
import { optionsJsonSchema } from "../../src/check.js";
import { tcpKind } from "../../src/kinds/tcp.js";

const problems = (options: unknown) =>
  tcpKind.options.safeParse(options).error?.issues.map(({ path }) => path.join("."));

describe("the options of a tcp check", () => {
  it("ask for an address and nothing else", () => {
    expect(tcpKind.options.parse({ address: "db:5432" })).toEqual({ address: "db:5432" });
    expect(problems({})).toEqual(["address"]);
  });

  it("refuse an address without a port, an empty text, and what they do not know", () => {
    expect(problems({ address: "db" })).toEqual(["address"]);
    expect(problems({ address: "db:1", send: "", expect: "" })).toEqual(["send", "expect"]);
    expect(tcpKind.options.safeParse({ address: "db:1", sned: "x" }).error?.issues[0]).toMatchObject({
      code: "unrecognized_keys",
      keys: ["sned"],
    });
  });

  it("all say what they mean", () => {
    const properties = Object.values(optionsJsonSchema(tcpKind).properties ?? {});
    expect(properties).toHaveLength(3);
    for (const property of properties) expect(property).toHaveProperty("description");
  });
});

describe("a URL", () => {
  it.each([
    ["tcp://db:5432", { address: "db:5432" }],
    ["tcp://[::1]:5432", { address: "[::1]:5432" }],
    ["tcp://db", undefined],
    ["http://db:80", undefined],
  ])("%s becomes %j", (url, options) => {
    expect(tcpKind.fromUrl?.(new URL(url))).toEqual(options);
    if (options) expect(problems(options)).toBeUndefined();
  });
});
