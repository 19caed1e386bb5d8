import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Inside the checkout, so that the drivers that stay outside of the bundle are found.
const cache = fileURLToPath(new URL("../../.cache/", import.meta.url));
const { bundleCommandLine } = (await import(new URL("../../scripts/build.mjs", import.meta.url).href)) as {
  bundleCommandLine(outdir: string): Promise<void>;
};

/** What the environment of whoever runs the tests must not decide. */
const neutral = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(HEALTHSPAN_|OTEL_|OPENAI_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS|(DATABASE|REDIS)_URL|MILVUS_)/.test(name),
  ),
);

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A file for its standard output, which nobody here reads then. */
  readonly stdout?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that was started and is not waited for. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written so far, both streams. */
  output(): string;
  /** Resolves with the first match in its output. @throws when it ends without one. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
}

/** The built command line, in a folder of its own. */
export interface CommandLine {
  readonly folder: string;
  readonly entry: string;
  run(words: readonly string[], options?: RunOptions): Promise<Ended>;
  start(words: readonly string[], options?: RunOptions): Running;
  /** Runs a shell line in which `$healthspan` is the command. */
  shell(line: string, options?: RunOptions): Promise<Ended>;
  remove(): void;
}

/** Builds the command line as it is shipped. */
export async function buildCommandLine(): Promise<CommandLine> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "command-line-"));
  await bundleCommandLine(folder);
  const entry = join(folder, "main.js");
  const start: CommandLine["start"] = (words, options) => startCommand(entry, words, options);
  return {
    folder,
    entry,
    start,
    run: (words, options) => start(words, options).ended,
    shell: (line, { env, cwd = folder } = {}) => {
      const own = { ...env, healthspan: `${process.execPath} ${entry}` };
      return begin("bash", ["-c", line], { env: own, cwd }).ended;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts a command line that lies elsewhere. */
export function startCommand(entry: string, words: readonly string[], options: RunOptions = {}): Running {
  return begin(process.execPath, [entry, ...words], { cwd: dirname(entry), ...options });
}

function begin(program: string, words: readonly string[], { cwd, env, stdout }: RunOptions): Running {
  const output = stdout === undefined ? "pipe" : openSync(stdout, "w");
  const child = spawn(program, words, { cwd, env: { ...neutral, ...env }, stdio: ["ignore", output, "pipe"] });
  if (typeof output === "number") closeSync(output);
  return watch(child);
}

function watch(child: ChildProcess): Running {
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code, signal]): Ended => ({ code, signal, stdout, stderr }));
  const output = (): string => stdout + stderr;
  return {
    process: child,
    ended,
    output,
    says: async (pattern) => {
      for (;;) {
        const match = pattern.exec(output());
        if (match) return match;
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`ended without saying ${pattern}:\n${output()}`);
        }
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), ended]);
      }
    },
  };
}
