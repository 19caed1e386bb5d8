import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const programs = fileURLToPath(new URL("programs", import.meta.url));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const locked: Readonly<Record<string, string>> = {
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
  ...manifest.dependencies,
};

/** Packages at the versions that this project is tested with. */
export const ours = (...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, locked[name] ?? "missing"]));

export interface PackedFile {
  readonly path: string;
  readonly size: number;
}
export interface Packed {
  readonly filename: string;
  /** Bytes of the tarball. */
  readonly size: number;
  readonly files: readonly PackedFile[];
}

/** A folder outside of the project, where what it has installed cannot be found by accident. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "healthspan-package-"));

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What `npm publish` would send, built before. */
  async pack(): Promise<Packed> {
    const { stdout } = await npm(root, "pack", "--ignore-scripts", "--json", "--pack-destination", this.folder);
    const [packed] = JSON.parse(stdout) as readonly Packed[];
    if (!packed) throw new Error("npm packed nothing");
    return packed;
  }

  /** A project with the tarball and these packages installed, and our programs in it. */
  async install(name: string, { filename }: Packed, dependencies: Readonly<Record<string, string>>): Promise<Host> {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    cpSync(programs, folder, { recursive: true });
    cpSync(join(programs, "typed.ts"), join(folder, "typed.mts"));
    cpSync(join(programs, "no-drivers.ts"), join(folder, "no-drivers.cts"));
    const all = { healthspan: `file:../${filename}`, ...dependencies };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: all }));
    // Drivers are optional: a host that has none of ours must find its own, or be told.
    const leaveOut = ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    await npm(folder, "install", "--loglevel=error", ...leaveOut);
    return new Host(folder);
  }
}

export class Host {
  constructor(private readonly folder: string) {}

  /** Runs one of the programs; what it prints is JSON. */
  async run(program: string, ...args: readonly string[]): Promise<unknown> {
    const { stdout } = await execute(process.execPath, [program, ...args], { cwd: this.folder });
    return JSON.parse(stdout);
  }

  /** Starts a program of this text, which runs until it is killed. */
  start(name: string, text: string, env: Readonly<Record<string, string>>): ChildProcess {
    writeFileSync(join(this.folder, name), text);
    const all = { ...process.env, ...env };
    return spawn(process.execPath, [name], { cwd: this.folder, env: all, stdio: ["ignore", "ignore", "inherit"] });
  }

  /** What the TypeScript compiler has to say about files; empty when nothing. */
  async compile(files: readonly string[], ...options: readonly string[]): Promise<string> {
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const strict = ["--noEmit", "--strict", "--target", "es2022", "--types", "node", ...options];
    try {
      await execute(process.execPath, [compiler, ...strict, ...files], { cwd: this.folder });
      return "";
    } catch (error) {
      return (error as { readonly stdout?: string }).stdout ?? String(error);
    }
  }
}

async function npm(folder: string, ...args: readonly string[]): Promise<{ readonly stdout: string }> {
  const path = process.env.npm_execpath;
  const [program, first] = path?.endsWith("npm-cli.js") ? [process.execPath, [path]] : ["npm", []];
  return execute(program, [...first, ...args], { cwd: folder, maxBuffer: 16 * 1_024 * 1_024 });
}
