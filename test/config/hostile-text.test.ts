import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadText, problemsOf } from "./load.js";

const loadsOrSaysWhy = (text: string): void => {
  const result = loadText(text, { A: "1" });
  if (result.ok) return;
  expect(result.problems.length).toBeGreaterThan(0);
  for (const problem of problemsOf(result)) {
    expect(problem).not.toContain("undefined");
    expect(problem).not.toMatch(/Invalid input|expected .* received|Too (big|small)/);
  }
};

/** Text made of what YAML and our references are made of, so that it gets further than noise. */
const likelyText = fc
  .array(
    fc.constantFrom(
      "checks:",
      "server:",
      "- ",
      "name: ",
      "kind: shop",
      "port: ",
      "{",
      "}",
      "[",
      "]",
      ", ",
      ": ",
      "\n",
      "\n  ",
      "\n    ",
      "${env:A}",
      "${env:",
      "${file:/x}",
      "$$",
      "&a ",
      "*a",
      "<<: ",
      "!!str ",
      '"',
      "'",
      "|",
      ">",
      "#",
      "?",
      "\t",
      "---\n",
      "a",
      "0",
      "1.5",
      "null",
      "true",
      "__proto__",
      "\u0000",
      "\u2028",
      "\r\n",
      "%YAML 1.1\n",
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

describe("a hostile file", () => {
  it("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), loadsOrSaysWhy), { numRuns: 150 });
    fc.assert(fc.property(likelyText, loadsOrSaysWhy), { numRuns: 800 });
  });

  it("cannot grow by its aliases", () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? "a0: &a0 [x,x,x,x,x,x,x,x,x]"
        : `a${level}: &a${level} [${Array(9)
            .fill(`*a${level - 1}`)
            .join(",")}]`,
    );
    expect(problemsOf(loadText(levels.join("\n")))[0]).toContain("grows to more than 500000 values by its aliases");
  });

  it.each([
    ["brackets", `a: ${"[".repeat(20_000)}`],
    ["closed brackets", `a: ${"[".repeat(500)}${"]".repeat(500)}`],
    ["mappings", `a: ${"{a: ".repeat(5_000)}`],
    ["lists in lists", "- ".repeat(20_000)],
    ["keys", "? ".repeat(20_000)],
    ["anchors", "&a ".repeat(20_000)],
    ["references", `a: [${"${env:A}, ".repeat(2_000)}]`],
    ["unclosed references", `a: "${"${".repeat(50_000)}"`],
  ])("is read in time however many %s it has", (_name, text) => {
    expect(loadText(text).ok).toBe(false);
  });
});

describe("a text that is made to be hard to read", () => {
  it("may have more mistakes than a call may have arguments", { timeout: 60_000 }, () => {
    const many = 130_000;
    expect(problemsOf(loadText(`checks: [${`"\${", `.repeat(many)}]`)).length).toBeGreaterThanOrEqual(many);
    const keys = Array.from({ length: many }, (_, index) => `    k${index}: 1`).join("\n");
    expect(problemsOf(loadText(`checks:\n  - name: a\n    kind: shop\n${keys}`)).length).toBeGreaterThanOrEqual(many);
  });

  it.each(["[", "%\n"])("is refused for how much there is of it, before it is parsed: `%s`", (piece) => {
    expect(problemsOf(loadText(piece.repeat(2_000_001)))).toEqual([
      "healthspan.yaml:1:1: has more than 2000000 words and signs; split it; --config may be repeated",
    ]);
  });

  it("leaves errors made after it with their stacks", () => {
    loadText("a: [\n".repeat(100));
    expect(new Error("later").stack).toContain("hostile-text.test.ts");
  });

  it.each(["[", "{a: ", "- ", "? "])("is refused for its depth: ten thousand times `%s`", (opening) => {
    expect(problemsOf(loadText(`checks:\n  ${opening.repeat(10_000)}`)).join()).toContain(
      "is nested too deeply; write at most 64 levels",
    );
  });
});
