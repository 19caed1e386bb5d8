import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
  /** A cycle is reported once, at one of its files. */
  readonly cycle?: readonly { readonly name: string }[];
}

interface Cruise {
  readonly violations: readonly Violation[];
  readonly modules: number;
}

/** Runs the rules over the tree in `folder`, in a process of its own, since the cruiser keeps caches per process. */
function cruise(folder: string): Cruise {
  const program = join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const arguments_ = [program, "src", "--config", ".dependency-cruiser.cjs", "--output-type", "json"];
  const { stdout, stderr } = spawnSync(process.execPath, arguments_, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1_024 * 1_024,
  });
  if (!stdout.startsWith("{")) throw new Error(`the cruiser said: ${stderr || stdout}`);
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[]; totalCruised: number } };
  return { violations: summary.violations, modules: summary.totalCruised };
}

/** One planted violation per rule class: file, its text, and the rule that must report it. */
const planted = [
  {
    rule: "room-health",
    what: "a room imports one that its row does not allow",
    file: "src/health/planted-room.ts",
    text: 'import "../engine/planted-target.js";',
  },
  {
    rule: "room-engine",
    what: "a type alone crosses a wall",
    file: "src/engine/planted-type.ts",
    text: 'import type { Planted } from "../server/planted-target.js";\nexport type Mine = Planted;',
  },
  {
    rule: "room-semconv",
    what: "the names import something of ours",
    file: "src/semconv.ts",
    text: 'import "./check.js";',
  },
  {
    rule: "room-cli",
    what: "a command reaches past the agent",
    file: "src/cli/planted.ts",
    text: 'import "../engine/planted-target.js";',
  },
  {
    rule: "no-sibling-kind",
    what: "a kind imports its sibling",
    file: "src/kinds/planted.ts",
    text: 'import "./planted-target.js";',
  },
  {
    rule: "library-without-express",
    what: "the library mounts the Express app",
    file: "src/testing.ts",
    text: 'import "./server/app.js";',
  },
  {
    rule: "app-stays-outside",
    what: "the server room builds on its Express app",
    file: "src/server/planted-on-app.ts",
    text: 'import "./app.js";',
  },
  {
    rule: "package-express",
    what: "Express is imported outside app.ts",
    file: "src/server/planted-express.ts",
    text: 'import type { Request } from "express";\nexport type Mine = Request;',
  },
  {
    rule: "package-otel-sdk",
    what: "an SDK is imported outside telemetry",
    file: "src/signals/planted-sdk.ts",
    text: 'import "@opentelemetry/sdk-metrics";',
  },
  {
    rule: "package-otel-api",
    what: "the OpenTelemetry API is imported by a kind",
    file: "src/kinds/planted-api.ts",
    text: 'import "@opentelemetry/api";',
  },
  {
    rule: "package-yaml",
    what: "YAML is read outside config",
    file: "src/discovery/planted-yaml.ts",
    text: 'import "yaml";',
  },
  {
    rule: "package-pino",
    what: "the process log is written outside log",
    file: "src/engine/planted-log.ts",
    text: 'import "pino";',
  },
  {
    rule: "package-commander",
    what: "arguments are parsed outside cli",
    file: "src/config/planted-arguments.ts",
    text: 'import "commander";',
  },
  {
    rule: "package-pg",
    what: "a driver is loaded by a file that is not its own",
    file: "src/wire/planted-driver.ts",
    text: 'export const load = () => import("pg");',
  },
  {
    rule: "lazy-ioredis",
    what: "a driver is imported when the file is, not when the run needs it",
    file: "src/kinds/redis-planted.ts",
    text: 'import { Redis } from "ioredis";\nexport const load: () => Promise<typeof import("ioredis")> = () => import("ioredis");\nexport type Client = Redis;',
  },
  {
    rule: "no-unknown-package",
    what: "a package without a row is imported",
    file: "src/engine/planted-package.ts",
    text: 'import "esbuild";',
  },
  {
    rule: "pure-judgement",
    what: "health does I/O",
    file: "src/health/planted-io.ts",
    text: 'import "node:fs";',
  },
  {
    rule: "probe-is-alone",
    what: "the probe command loads more than node:http",
    file: "src/cli/probe.ts",
    text: 'import "node:fs";',
  },
  {
    rule: "no-cycle",
    what: "two files import each other",
    file: "src/wire/planted-cycle.ts",
    text: 'import "./planted-cycle-back.js";',
  },
  {
    rule: "no-orphan",
    what: "nothing imports a file and it imports nothing",
    file: "src/wire/planted-orphan.ts",
    text: "export const alone = 1;",
  },
  {
    rule: "no-roomless-file",
    what: "a file belongs to no room",
    file: "src/planted-roomless.ts",
    text: 'import "node:fs";',
  },
  {
    rule: "no-way-out",
    what: "the source imports a test",
    file: "src/wire/planted-test.ts",
    text: 'import "../../test/planted-target.js";',
  },
  {
    rule: "no-unresolvable",
    what: "an import leads nowhere",
    file: "src/wire/planted-nowhere.ts",
    text: 'import "./planted-missing.js";',
  },
] as const;

/** What the plants need to exist, and what is allowed beside them. */
const surroundings: Readonly<Record<string, string>> = {
  "src/engine/planted-target.ts": "export const target = 1;",
  "src/server/planted-target.ts": "export type Planted = 1;",
  "src/kinds/planted-target.ts": "export const target = 1;",
  "src/server/app.ts": 'import "express";',
  "src/wire/planted-cycle-back.ts": 'import "./planted-cycle.js";',
  "test/planted-target.ts": "export const target = 1;",
  "src/kinds/redis-allowed.ts": 'import type { Redis } from "ioredis";\nexport type Client = Redis;',
  "src/wire/postgres-allowed.ts": 'export const load: () => Promise<typeof import("pg")> = () => import("pg");',
};

function write(folder: string, file: string, text: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${text}\n`);
}

describe("the import rules", () => {
  let folder: string;
  let result: Cruise;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "healthspan-rules-"));
    for (const entry of ["src", ".dependency-cruiser.cjs", "package.json", "tsconfig.json"]) {
      cpSync(join(root, entry), join(folder, entry), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [file, text] of Object.entries(surroundings)) write(folder, file, text);
    for (const { file, text } of planted) write(folder, file, text);
    result = cruise(folder);
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(planted)("report $rule when $what", ({ rule, file }) => {
    const reported = result.violations.filter(
      (one) => one.from === file || one.cycle?.some(({ name }) => name === file),
    );
    const rules = reported.map((violation) => violation.rule.name);
    expect(rules).toContain(rule);
  });

  it("let a driver's own file load it when a run needs it, or name its types", () => {
    const allowed = Object.keys(surroundings).filter((file) => file.includes("-allowed"));
    expect(allowed).toHaveLength(2);
    const reported = result.violations.filter(({ from }) => allowed.includes(from)).map(({ rule }) => rule.name);
    expect(reported).toEqual([]);
  });
});

describe("the source tree", () => {
  it("keeps every import rule", () => {
    const { violations, modules } = cruise(root);
    expect(modules).toBeGreaterThan(15);
    expect(violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  }, 60_000);
});
