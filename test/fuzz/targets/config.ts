import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { loadConfig } from "../../../src/config/load-config.js";
import { printConfig } from "../../../src/config/print.js";
import { formatProblem } from "../../../src/config/problem.js";
import { memoryDisk } from "../../config/load.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { mustBeClean, mustHold, mustHoldNoSecret } from "../invariants.js";

const folderOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

function yamlIn(path: string): readonly Buffer[] {
  const files = readdirSync(folderOf(path)).filter((name) => /\.ya?ml$/.test(name));
  if (files.length === 0) throw new Error(`no YAML in ${path}`);
  return files.map((name) => readFileSync(folderOf(`${path}/${name}`)));
}

const env = {
  SECRET: plantedSecret,
  EMPTY: "",
  PORT: "5432",
  DATABASE_URL: `postgres://probe:${encodeURIComponent(plantedSecret)}@db/app`,
};

/** What the parser or the schema would say in words of their own. */
const notOurs = /Invalid input|expected .* received|Too (big|small)|\[object/;

function judge(input: Buffer): void {
  const disk = memoryDisk({ "/etc/app/healthspan.yaml": input, "/etc/app/secret": plantedSecret });
  const result = loadConfig({ env, cwd: "/etc/app", hostname: "box", disk, consents: ["allow-exec"] });
  if (result.ok) {
    mustHoldNoSecret(printConfig(result.config), "the printed config");
    mustHoldNoSecret(inspect(result.config, { depth: 12 }), "the inspected config");
    mustHoldNoSecret(JSON.stringify(result.config), "the config as JSON");
    return;
  }
  mustHold(result.problems.length > 0, "refused without a problem");
  for (const problem of result.problems) {
    const line = formatProblem(problem);
    mustHold(Number.isSafeInteger(problem.line) && problem.line >= 0 && problem.column >= 0, `no place: ${line}`);
    mustHold(problem.problem !== "", `no problem: ${line}`);
    mustHold(!notOurs.test(line), `not in our words: ${line}`);
    mustBeClean(line, "a problem");
    mustHoldNoSecret(line, "a problem");
  }
}

export const config: FuzzTarget = {
  name: "config",
  feeds: "the bytes of a config file, with the kinds of the product and secrets in environment and file",
  seeds: [...yamlIn("examples"), ...yamlIn("test/fixtures/config")],
  words: [
    "checks:\n",
    "- name: a\n",
    "  kind: http\n",
    "  url: ",
    "${env:SECRET}",
    "${env:EMPTY}",
    "${env:PORT}",
    "${env:NONE:-",
    "${file:secret}",
    "${file:/none}",
    "$$",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "!!set ",
    "!!timestamp ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "? ",
    "- - ",
    "[[",
    "{",
    "}",
    "|\n  ",
    ">-\n  ",
    '"\\u0000"',
    "'",
    "# ",
    "1e400",
    ".inf",
    "0o7",
    "-5s",
    "1.5h",
    "thresholds:\n",
    "duration_ms: { degraded: { above: 1 } }\n",
    'expect: { json: { "": 1 } }\n',
    "server: { token: x }\n",
    "telemetry:\n  otlp: { endpoint: x }\n",
    "defaults:\n",
    "shard: { index: 0, of: 2 }\n",
    "kind: postgres\n",
    "kind: exec\n",
    "kind: llm\n",
    "kind: redis\n",
    "null",
    "~",
    "constructor: ",
  ],
  maxLength: 16_384,
  runsInTests: 150,
  start: () => ({ judge }),
};
