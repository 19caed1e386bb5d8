import type { AgentConfig } from "../../src/config/agent-config.js";
import type { Disk } from "../../src/config/disk.js";
import { type LoadOptions, type LoadResult, loadConfig } from "../../src/config/load-config.js";
import { formatProblem } from "../../src/config/problem.js";
import { fakeKinds } from "./fake-kinds.js";

/** Files by their absolute paths; a directory is where a path of one starts. */
export function memoryDisk(files: Readonly<Record<string, string | Uint8Array>>): Disk {
  return {
    read(path) {
      const content = files[path];
      if (content === undefined) throw new Error("there is no such file");
      return typeof content === "string" ? Buffer.from(content) : content;
    },
    list(path) {
      if (Object.hasOwn(files, path)) return undefined;
      const names = Object.keys(files)
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1));
      if (names.length === 0) throw new Error("there is no such file");
      return names;
    },
  };
}

type Given = Partial<LoadOptions> & { readonly disk?: never };

/** Loads files that are in memory, below `/etc/app`, with the fake kinds. */
export function load(files: Readonly<Record<string, string | Uint8Array>>, options: Given = {}): LoadResult {
  const absolute = Object.entries(files).map(([name, text]) => [
    name.startsWith("/") ? name : `/etc/app/${name}`,
    text,
  ]);
  const disk = memoryDisk(Object.fromEntries(absolute));
  return loadConfig({ env: {}, cwd: "/etc/app", hostname: "box", kinds: fakeKinds, ...options, disk });
}

/** Loads one file, `healthspan.yaml`. */
export const loadText = (text: string, env: LoadOptions["env"] = {}, others: Readonly<Record<string, string>> = {}) =>
  load({ "healthspan.yaml": text, ...others }, { env });

export function configOf(result: LoadResult): AgentConfig {
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.config;
}

export const problemsOf = (result: LoadResult): readonly string[] =>
  result.ok ? [] : result.problems.map(formatProblem);

/** The options of the check of this name. */
export function optionsOf(config: AgentConfig, name = "a"): Readonly<Record<string, unknown>> {
  const check = config.checks.find(({ policy }) => policy.name === name);
  if (!check) throw new Error(`no check ${name}`);
  return check.options as Readonly<Record<string, unknown>>;
}
