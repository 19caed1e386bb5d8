import { describe, expect, it } from "vitest";
import { agentPaths } from "../../src/server/routes.js";
import { read } from "./pages.js";

/** Paths in the first column of a section's table. */
function pathsIn(page: string, heading: string): readonly string[] {
  const [, section = ""] = new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## )`, "m").exec(read(page)) ?? [];
  const cells = section.match(/^\| `\/[^|]*\|/gm) ?? [];
  return cells.flatMap((cell) => [...cell.matchAll(/`(\/[^`]*)`/g)].map(([, path = ""]) => path));
}

/** Assets are named by their content, and so in a page by their folder. */
const paths = Object.keys(agentPaths).map((path) => path.replace(/^\/assets\/.*/, "/assets/…"));
const inFolders = paths.map((path) => path.replace(/^\/api\/v1\/.*/, "/api/v1/…"));
const once = (list: readonly string[]): readonly string[] => [...new Set(list)].sort();

describe("a path that the agent answers", () => {
  it("is in both tables of docs/http-api.md, and no other is", () => {
    expect(once(pathsIn("docs/http-api.md", "Endpoints"))).toEqual(once(paths));
    expect(once(pathsIn("docs/http-api.md", "Who sees what"))).toEqual(once(inFolders));
  });

  it("is behind each one that README.md names", () => {
    const named = pathsIn("README.md", "Endpoints");
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !paths.includes(path))).toEqual([]);
  });
});
