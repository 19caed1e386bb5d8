import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadText, problemsOf } from "./load.js";

const folder = join(import.meta.dirname, "../fixtures/config");
const files = readdirSync(folder).filter((name) => /^invalid-.+\.yml$/.test(name));

describe("a config with a mistake", () => {
  it("has a fixture for every one of them", () => {
    expect(files.length).toBeGreaterThan(75);
  });

  it.each(files)("%s is refused with exactly what it expects", (name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const expected = [...text.matchAll(/^# expect: (.*)$/gm)].map(([, message]) => `healthspan.yaml:${message}`);
    expect(expected.length).toBeGreaterThan(0);
    expect(problemsOf(loadText(text, { SET: "x", EMPTY: "" }))).toEqual(expected);
  });

  it("gives back a dozen mistakes at once", () => {
    const text = readFileSync(join(folder, "invalid-many-at-once.yml"), "utf8");
    expect(problemsOf(loadText(text, { SET: "x" })).length).toBeGreaterThan(12);
  });
});
