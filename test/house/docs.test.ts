import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load-config.js";
import { formatProblem } from "../../src/config/problem.js";
import { kinds } from "../../src/kinds/index.js";
import { agentVersion } from "../../src/semconv.js";
import { anchors, files, pages, prose, read, root } from "./pages.js";

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const links = pages.flatMap((page) =>
  [...prose(page).matchAll(/(?:\]\(|<(?:a href|img src|source srcset)=")([^)"\s]+)/g)]
    .map(([, target = ""]) => ({ page, target }))
    .filter(({ target }) => !/^[a-z]+:/.test(target)),
);

describe("the pages", () => {
  it("are found", () => {
    expect(pages).toEqual(expect.arrayContaining(["README.md", "ARCHITECTURE.md", "docs/adr/0002-rooms.md"]));
    expect(links.length).toBeGreaterThan(15);
  });

  it.each(links)("$page links to what exists: $target", ({ page, target }) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : relative(root, join(root, dirname(page), path));
    expect(existsSync(join(root, file)), `${file} exists`).toBe(true);
    if (anchor !== undefined) expect(anchors(file)).toContain(anchor);
  });

  it("are each listed in docs/README.md, but for what a page of its own lists", () => {
    const listed = links.filter(({ page }) => page === "docs/README.md").map(({ target }) => join("docs", target));
    const own = pages.filter((page) => /^docs\/(kinds\/)?[\w-]+\.md$/.test(page) && page !== "docs/README.md");
    expect(own.length).toBeGreaterThan(20);
    expect(own.filter((page) => !listed.includes(page))).toEqual([]);
  });

  it("list in README.md the kinds that exist", () => {
    const section = /^## Kinds\n([\s\S]*?)(?=^## )/m.exec(read("README.md"))?.[1] ?? "";
    const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind);
    expect(listed.sort()).toEqual(kinds.map(({ kind }) => kind).sort());
  });

  it("show in README.md a config that loads", () => {
    const [, yaml = ""] = /^```yaml\n([\s\S]*?)^```/m.exec(read("README.md")) ?? [];
    const env = { DATABASE_URL: "postgres://app:secret@db/app" };
    const disk = { read: () => Buffer.from(yaml), list: () => undefined };
    const result = loadConfig({ files: ["healthspan.yaml"], env, cwd: "/", disk });
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([]);
    expect(result.ok && result.config.checks.length).toBeGreaterThan(2);
  });

  it("number each decision once", () => {
    const numbers = pages.filter((page) => page.startsWith("docs/adr/")).map((page) => page.slice(9, 13));
    expect(numbers.length).toBeGreaterThan(5);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe("the package", () => {
  it("says one version", () => {
    expect((JSON.parse(read("package.json")) as { version: string }).version).toBe(agentVersion);
  });

  it("locks versions and integrity, and no download address", () => {
    const lock = read("package-lock.json");
    expect(lock).toContain('"integrity"');
    expect(lock).not.toContain('"resolved"');
  });

  it("locks every package that a locked one names, so that npm ci works from a clean clone", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };
    // As Node looks for a package: beside the one that asks, then in each folder above.
    const isLocked = (name: string, from: string): boolean =>
      (from === "" ? `node_modules/${name}` : `${from}/node_modules/${name}`) in packages ||
      (from !== "" && isLocked(name, from.slice(0, Math.max(from.lastIndexOf("/node_modules/"), 0))));
    const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !isLocked(name, path))
        .map((name) => `${path} → ${name}`),
    );
    expect(Object.keys(packages).length).toBeGreaterThan(100);
    expect(missing).toEqual([]);
  });

  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read("package.json")) as Record<
    string,
    Record<string, string>
  >;
  const versions = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies });

  it("gives a reason for every dependency", () => {
    const reasons = read("docs/adr/0005-dependencies.md");
    const names = versions.map(([name]) => name).filter((name) => !/^@(types|opentelemetry)\//.test(name));
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([]);
  });

  it("pins every dependency exactly", () => {
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

describe("no file", () => {
  // Assembled, so that this file does not name them either.
  const hosts = [
    ["registry", "npmjs", "org"],
    ["proxy", "golang", "org"],
    ["deb", "debian", "org"],
    ["pypi", "org"],
  ];
  const forbidden = new RegExp(
    [`(?<![\\w.-])/(root|work|home/[a-z]+)/`, ...hosts.map((parts) => parts.join("\\."))].join("|"),
  );
  const texts = files.filter((file) => !/\.(png|ico|woff2?)$/.test(file));

  it("names a path of somebody's machine or the host of a registry", () => {
    expect(texts.length).toBeGreaterThan(50);
    expect(texts.filter((file) => forbidden.test(read(file)))).toEqual([]);
  });
});
