import { describe, expect, it } from "vitest";
import { files, read } from "./pages.js";

const sources = files.filter((file) => /^src\/.*\.ts$/.test(file)).map(read);
const tests = files.filter((file) => /^test\/.*\.ts$/.test(file) && !file.startsWith("test/house/")).map(read);
const occursIn = (texts: readonly string[], words: string): boolean => texts.some((text) => text.includes(words));

/** What a page quotes of our messages: sentences in backquotes in the first column of its tables. */
function quotedMessages(page: string): readonly string[] {
  const firstCells = read(page).match(/^\| [^|]+\|/gm) ?? [];
  return firstCells
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code))
    .filter((code) => /[a-z…] [a-z…]/.test(code) && !/^(?:npm|healthspan) /.test(code));
}

/** The clauses of a message, which the sources may put together, without what differs from case to case: `…`, numbers. */
const partsOf = (message: string): readonly string[] =>
  message
    .split(/…|\d+|[:;,] /)
    .map((part) => part.trim())
    .filter((part) => /[a-z]{3}/.test(part));

const isSaid = (message: string): boolean => partsOf(message).every((part) => occursIn(sources, part));

/** Names of tests that a page gives as its witness; a line may end within one. */
const namedTests = (page: string): readonly string[] =>
  [
    ...read(page)
      .replaceAll(/\s+/g, " ")
      .matchAll(/\*[Tt]est: "([^*]+)"\*/g),
  ].map(([, name = ""]) => name);

describe("a message that docs/troubleshooting.md quotes", () => {
  const messages = quotedMessages("docs/troubleshooting.md");

  it("is one that the sources hold", () => {
    expect(messages.length).toBeGreaterThan(20);
    expect(messages.filter((message) => !isSaid(message))).toEqual([]);
  });

  it("is missed when nobody says it", () => {
    expect(isSaid("the port … is in use by a ghost")).toBe(false);
    expect(partsOf("… do not arrive at …: it answers 401")).toEqual(["do not arrive at", "it answers"]);
  });
});

describe("a test that docs/from-the-sources.md names", () => {
  const names = namedTests("docs/from-the-sources.md");

  it("is there", () => {
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !occursIn(tests, `"${name}`))).toEqual([]);
  });
});
