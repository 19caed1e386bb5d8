import { describe, expect, it } from "vitest";
import { problemsOf } from "./config-blocks.js";
import { type Block, blocksOf, inlineCode, pages } from "./pages.js";
import { commandsOf, problemOf } from "./shell-blocks.js";
import { compile } from "./ts-blocks.js";

const blocks = pages.flatMap(blocksOf);
const of = (...languages: readonly string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language));
const planted = (language: string, text: string): Block => ({ page: "docs/planted.md", line: 7, language, text });

describe("a block of code in a page", () => {
  it("says its language by a word that is looked at here, or is plain text", () => {
    const known = ["sh", "yaml", "json", "ts", "js", "mermaid", "text", "promql", "ini", "nginx", "dockerfile", ""];
    expect(blocks.length).toBeGreaterThan(40);
    expect([...new Set(blocks.map(({ language }) => language))].filter((word) => !known.includes(word))).toEqual([]);
  });

  const yaml = of("yaml");
  it.each(yaml.map((block) => [`${block.page}:${block.line}`, block] as const))(
    "is a config that loads: %s",
    (_, block) => {
      const before = yaml.filter(({ page, line }) => page === block.page && line < block.line);
      expect(problemsOf(block, before)).toEqual([]);
    },
  );

  it("is refused as a config that does not load, with the words of `validate`", () => {
    const config = planted("yaml", "checks:\n  - { name: a, kind: tcp, address: mail:25, timeot: 3s }\n");
    expect(problemsOf(config, []).join()).toContain("timeot");
    const shown = planted("yaml", "checks:\n  - { name: a, kind: tcp, address: mail:25 }\n");
    const fragment = planted("yaml", "thresholds:\n  conect_ms: { degraded: { above: 5 } }\n");
    expect(problemsOf(fragment, [shown]).join()).toContain("conect_ms");
    expect(problemsOf(fragment, []).join()).toContain("whose file");
    expect(problemsOf(planted("yaml", "a: [1"), [])).not.toEqual([]);
  });

  const shell = of("sh").flatMap(({ page, line, text }) =>
    commandsOf(text).map((command) => ({ page, line, command })),
  );
  const inline = pages
    // What was decided or changed once may name what has gone since.
    .filter((page) => page !== "CHANGELOG.md" && !page.startsWith("docs/adr/"))
    .flatMap((page) =>
      inlineCode(page)
        .filter((code) => /^(?:healthspan [a-z-]|npm (?:run|start|test))/.test(code))
        .map((command) => ({ page, line: 0, command })),
    );

  it("calls commands and options that there are", () => {
    expect(shell.length).toBeGreaterThan(30);
    expect(inline.length).toBeGreaterThan(30);
    const wrong = [...shell, ...inline].flatMap(({ page, line, command }) => {
      const problem = problemOf(command);
      return problem === undefined ? [] : [`${page}:${line}: ${command}: ${problem}`];
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    "npm run chek",
    "npm tset",
    "healthspan chekc database",
    "healthspan check --jsno",
    "node dist/cli/main.js --confg healthspan.yaml",
    "healthspan schema > a.json extra",
    "healthspan rules --objective much",
    "node examples/none.mjs",
    "node ../healthspan/examples/none.mjs",
    "kubectl apply --server-side -k deploy/kubernetes/bas",
    "promtool check rules deploy/prometheus/rules/none.yml",
  ])("is refused for the command %s", (command) => {
    expect(problemOf(command)).toBeDefined();
  });

  it("is taken apart into commands as a shell would", () => {
    expect(commandsOf("A=1 B=2 npm start -- --fast   # words\ncd x && npm test | cat\n# npm run none\n")).toEqual([
      "npm start -- --fast",
      "cd x",
      "npm test",
      "cat",
    ]);
  });

  const code = of("ts", "js");
  it("compiles against the sources", { timeout: 120_000 }, () => {
    expect(code.length).toBeGreaterThan(5);
    const wrong = planted("ts", 'import { createHealth } from "healthspan";\ncreateHealth({ servce: {} });\n');
    const [first, ...others] = compile([...code, wrong]).toSorted((one) => (one.includes("planted") ? -1 : 1));
    expect(first).toContain("docs/planted.md:8");
    expect(first).toContain("servce");
    expect(others).toEqual([]);
  });

  it("gives each pool of pg a listener for its errors, without which the process ends with the database", () => {
    const pools = code.filter(({ text }) => text.includes("new pg.Pool("));
    expect(pools.length).toBeGreaterThan(0);
    expect(pools.filter(({ text }) => !/\.on\("error"/.test(text)).map(({ page, line }) => `${page}:${line}`)).toEqual(
      [],
    );
  });

  it("parses where it is JSON", () => {
    const json = of("json");
    expect(json.length).toBeGreaterThan(1);
    for (const { text, page } of json) expect(() => JSON.parse(text) as unknown, page).not.toThrow();
  });
});
