// `npm run nodes`: the unit suite under the other Node versions that Healthspan supports, each fetched by npm on first
// use. Arguments are versions (`npm run nodes -- 24`).
import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { ensureInstalled, npmCommand, root, stopwatch } from "./install.mjs";

const supported = ["22", "24"];

/** Runs `node ARGUMENTS` by the Node of that version. */
function nodeOf(version, args, options = {}) {
  const [program, ...first] = npmCommand();
  const exec = ["exec", "--yes", "--loglevel=error", `--package=node@${version}`, "--", "node", ...args];
  return spawnSync(program, [...first, ...exec], { cwd: root, encoding: "utf8", ...options });
}

function runUnder(version) {
  const seconds = stopwatch();
  const { stdout, stderr } = nodeOf(version, ["--version"]);
  // A wrapper that starts the wrong Node would test nothing.
  if (!stdout?.startsWith(`v${version}.`)) {
    console.error(`\nNode ${version} does not start here: ${stderr || stdout}`);
    return false;
  }
  console.log(`\nUnit suite under Node ${stdout.trim()}`);
  const { status } = nodeOf(version, ["node_modules/vitest/vitest.mjs", "run", "--project", "unit"], {
    stdio: "inherit",
  });
  console.log(`Node ${version}: ${status === 0 ? "passed" : "failed"} in ${seconds()}`);
  return status === 0;
}

ensureInstalled();
const versions = process.argv.length > 2 ? process.argv.slice(2) : supported;
const results = versions.map(runUnder);
process.exit(results.every(Boolean) ? 0 : 1);
