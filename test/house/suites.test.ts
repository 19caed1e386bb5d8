import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import config from "../../vitest.config.js";

interface Project {
  readonly test: { readonly name: string; readonly include: readonly string[]; readonly exclude?: readonly string[] };
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const projects = (config.test?.projects ?? []) as unknown as readonly Project[];
const { suites } = (await import(new URL("../../scripts/suites.mjs", import.meta.url).href)) as {
  suites: readonly { readonly name: string }[];
};

/** Folders of `test/` that hold tests, and are no part of the unit suite. */
function foldersOutsideUnit(): readonly string[] {
  const excluded = projects.find(({ test }) => test.name === "unit")?.test.exclude?.join() ?? "";
  const files = readdirSync(`${root}test`, { recursive: true, encoding: "utf8" });
  const folders = files.filter((file) => file.endsWith(".test.ts")).map((file) => file.split("/")[0] ?? "");
  expect(folders).toContain("house");
  return [...new Set(folders)].filter((folder) => excluded.includes(folder));
}

describe("npm test", () => {
  it("runs every vitest project", () => {
    expect(projects.length).toBeGreaterThan(1);
    expect(suites.map(({ name }) => name).sort()).toEqual(projects.map(({ test }) => test.name).sort());
  });

  it("leaves no folder of tests out", () => {
    const included = projects.flatMap(({ test }) => test.include).join();
    for (const folder of foldersOutsideUnit()) expect(included).toContain(`test/${folder}/`);
  });
});
