import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpolate, type References } from "../../src/config/interpolate.js";

const references: References = {
  environment: { NAME: "value", EMPTY: "", NESTED: "${env:NAME} $$ ${file:/x}" },
  readText: (path) => {
    if (path !== "/secret") throw new Error("there is no such file");
    return "s3cret";
  },
};
const textOf = (text: string): string => interpolate(text, references).text;

describe("interpolate", () => {
  it("puts variables and files into a text, several at once", () => {
    expect(textOf("a ${env:NAME} b ${file:/secret} ${env:NAME}")).toBe("a value b s3cret value");
  });

  it("uses the default of a variable that is not set or empty", () => {
    expect(textOf("${env:NO:-x:-y}|${env:EMPTY:-z}|${env:NAME:-no}|${env:NO:-}")).toBe("x:-y|z|value|");
  });

  it("makes one dollar sign of two and leaves a single one", () => {
    expect(textOf("$$ $${env:NAME} $ a$b 5$")).toBe("$ ${env:NAME} $ a$b 5$");
  });

  it("never looks at what it put in", () => {
    expect(textOf("${env:NESTED}")).toBe("${env:NAME} $$ ${file:/x}");
  });

  it("says which variables and files were used", () => {
    expect(interpolate("${env:NAME}${file:/secret}${env:NO:-x}", references).references).toEqual([
      "env NAME",
      "file /secret",
      "default of env NO",
    ]);
  });

  it("names an unset variable and an unreadable file", () => {
    const { mistakes } = interpolate("${env:NO} ${file:/none}", references);
    expect(mistakes.map(({ problem }) => problem)).toEqual([
      "the environment variable NO is not set",
      "cannot read the file /none: there is no such file",
    ]);
  });

  it("shows nothing of a value that only looks like a reference", () => {
    const { mistakes } = interpolate("hunter2${pass", references);
    expect(JSON.stringify(mistakes)).not.toContain("pass");
  });

  it("puts any text together from any parts, whatever the values hold", () => {
    const plain = fc.string({ maxLength: 8 }).filter((text) => !text.includes("$"));
    const value = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("${env:A}", "$$", "${", "$&", "}"));
    const fallback = fc.string({ maxLength: 8 }).filter((text) => !/[$}]/.test(text));
    const aPart = fc.oneof(
      plain.map((text) => ({ written: text, becomes: text })),
      fc.constant({ written: "$$", becomes: "$" }),
      fc.constantFrom("A", "B").map((name) => ({ written: `\${env:${name}}`, name })),
      fallback.map((text) => ({ written: `\${env:NONE:-${text}}`, becomes: text })),
      fc.constant({ written: "${file:/f}", name: "file" as const }),
    );
    fc.assert(
      fc.property(fc.array(aPart, { maxLength: 12 }), value, value, value, (parts, A, B, file) => {
        const values: Readonly<Record<string, string>> = { A, B, file };
        const sources = { environment: { A, B }, readText: () => file };
        const wanted = parts.map((part) => ("name" in part ? values[part.name] : part.becomes)).join("");
        const { text, mistakes } = interpolate(parts.map(({ written }) => written).join(""), sources);
        expect(mistakes).toEqual([]);
        expect(text).toBe(wanted);
      }),
    );
  });

  it("never throws and leaves a text without a dollar sign as it is", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { text: replaced } = interpolate(text, references);
        expect(text.includes("$") || replaced === text).toBe(true);
      }),
    );
  });
});
