import { describe, expect, it } from "vitest";
import { checkFromUrl, exampleUrlNear, objectionToUrl } from "../../src/discovery/check-from-url.js";
import { kinds } from "../../src/kinds/index.js";

const withUrls = kinds.filter(({ fromUrl }) => fromUrl !== undefined);

describe("a check that a URL describes", () => {
  it.each(withUrls.map((kind) => [kind.kind, kind] as const))("has an example for %s that it can run", (name, kind) => {
    const { urlExample = "" } = kind;
    expect(urlExample.startsWith(name)).toBe(true);
    expect(checkFromUrl(urlExample)).toMatchObject({ name, kind: name, critical: true });
    expect(kind.options.safeParse(kind.fromUrl?.(new URL(urlExample))).success).toBe(true);
  });

  it("is of no kind that has no URLs", () => {
    expect(withUrls.length).toBeGreaterThan(9);
    expect(kinds.filter(({ urlExample }) => urlExample !== undefined)).toEqual(withUrls);
  });

  it.each([
    ["tcp://mail", "kind `tcp` cannot read this URL; write one such as tcp://mail:25"],
    ["TLS://example.org", "kind `tls` cannot read this URL; write one such as tls://example.org:443"],
    ["grpcs://inventory", "kind `grpc` cannot read this URL; write one such as grpc://inventory:50051"],
    ["llm://localhost:11434", "kind `llm` cannot read this URL; write one such as llm+https://api.openai.com/v1"],
  ])("is asked for what %s lacks", (url, objection) => {
    expect(checkFromUrl(url)).toBeUndefined();
    expect(objectionToUrl(url)).toBe(objection);
  });

  it("is not guessed at: of a scheme that nobody knows, all examples are shown, and not the URL", () => {
    const objection = objectionToUrl("gopher://me:hunter2@x");
    for (const { urlExample } of withUrls) expect(objection).toContain(urlExample);
    expect(objection).not.toContain("hunter2");
  });

  it("offers a URL of the kind that a broken one seems to mean", () => {
    expect(exampleUrlNear("postgres://app:p@ss/word@db/app")).toBe("postgres://app@db/app");
    expect(exampleUrlNear("what")).toBe("https://example.org/");
  });
});
