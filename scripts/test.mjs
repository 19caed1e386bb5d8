// `npm test`: every suite that this machine can run, against real servers. Arguments are file filters for vitest.
// It ends with the time of each suite, what was left out for want of a server, and one plain line with the sums.
// With CI set nothing may be left out: a missing server or a skipped test is a failure.
import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { suites } from "./suites.mjs";

const { ensureInstalled, root } = await import("./install.mjs");
const { ensureBuilt } = await import("./build.mjs");

const results = join(root, ".cache/test");
const leftOutFile = join(results, "left-out.jsonl");
const filters = process.argv.slice(2);
const isCi = !["", "0", "false", undefined].includes(process.env.CI);

/** Runs one suite; its counts come from vitest's JSON report, and no report counts as one failure. */
function runSuite({ name, budgetSeconds }) {
  const report = join(results, `${name}.json`);
  rmSync(report, { force: true });
  const startMs = performance.now();
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      ...["run", "--project", name, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
      ...(filters.length > 0 ? ["--passWithNoTests", ...filters] : []),
    ],
    { cwd: root, stdio: "inherit", env: { ...process.env, HEALTHSPAN_LEFT_OUT: leftOutFile } },
  );
  const seconds = (performance.now() - startMs) / 1_000;
  const counts = existsSync(report) ? countTests(JSON.parse(readFileSync(report, "utf8"))) : undefined;
  return { name, budgetSeconds, seconds, ...withCrash(counts, status) };
}

function countTests({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults }) {
  // A file that does not load has no test in it to fail.
  const brokenFiles = testResults.filter((file) => file.status === "failed" && !file.assertionResults.some(hasFailed));
  const skipped = testResults.flatMap((file) => nameSkipped(relative(root, file.name), file.assertionResults));
  return {
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: numPendingTests + numTodoTests,
    skippedNames: skipped,
  };
}

/** Single tests by their names; a suite that was left out as a whole by its file. */
function nameSkipped(file, tests) {
  const names = tests.filter(({ status }) => ["skipped", "pending", "todo"].includes(status));
  if (names.length > 3) return [`${file}: ${names.length} tests`];
  return names.map(({ fullName }) => `${file}: ${fullName}`);
}

function hasFailed({ status }) {
  return status === "failed";
}

/** An unhandled rejection or a crash of vitest itself fails no test, but the run. */
function withCrash(counts = { passed: 0, failed: 0, skipped: 0, skippedNames: [] }, status) {
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function printTable(outcomes) {
  console.log("\nsuite         passed  failed  skipped    time  budget");
  for (const { name, passed, failed, skipped, seconds, budgetSeconds } of outcomes) {
    const columns = [
      name.padEnd(12),
      pad(passed, 7),
      pad(failed, 7),
      pad(skipped, 8),
      pad(`${seconds.toFixed(1)} s`, 7),
    ];
    const late = seconds > budgetSeconds ? "  over budget" : "";
    console.log(`${columns.join(" ")} ${pad(`${budgetSeconds} s`, 7)}${late}`);
  }
}

function pad(value, width) {
  return String(value).padStart(width);
}

function serversLeftOut() {
  if (!existsSync(leftOutFile)) return [];
  const lines = readFileSync(leftOutFile, "utf8").split("\n").filter(Boolean);
  return [...new Set(lines.map((line) => JSON.parse(line).server))].sort();
}

function printLeftOut(servers, skippedNames) {
  if (servers.length > 0) {
    console.log(`\nLeft out, because this machine has no ${servers.join(", ")}. To install them: npm run servers`);
  }
  if (skippedNames.length === 0) return;
  console.log("\nSkipped:");
  for (const name of skippedNames) console.log(`  ${name}`);
}

/** Some suites start what is built. A build that fails is one failure, and the suites that do not need it still run. */
async function build() {
  const startMs = performance.now();
  const failed = await ensureBuilt().then(
    () => 0,
    (error) => {
      console.error(error.message);
      return 1;
    },
  );
  const seconds = (performance.now() - startMs) / 1_000;
  return { name: "build", budgetSeconds: 30, seconds, passed: 0, failed, skipped: 0, skippedNames: [] };
}

ensureInstalled();
mkdirSync(results, { recursive: true });
rmSync(leftOutFile, { force: true });

const outcomes = [await build(), ...suites.map(runSuite)];
const sum = (field) => outcomes.reduce((total, outcome) => total + outcome[field], 0);
const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
const servers = serversLeftOut();

printTable(outcomes);
printLeftOut(
  servers,
  outcomes.flatMap(({ skippedNames }) => skippedNames),
);
const isIncomplete = isCi && (skipped > 0 || servers.length > 0);
if (isIncomplete) console.log("\nIn CI nothing may be left out.");
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || passed === 0 || isIncomplete ? 1 : 0);
