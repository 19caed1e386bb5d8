import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { discoverChecks } from "../discovery/discover-checks.js";
import { checksOfListeners, listensHere } from "../discovery/listening.js";
import { createStarterFile, type StarterCheck, type StarterFile } from "../discovery/starter-file.js";
import { CommandFailure } from "./exit.js";
import { type Cell, renderTable } from "./table.js";
import { createTerminal, type Terminal } from "./terminal.js";

export interface InitArguments {
  readonly output: string;
  readonly force?: true;
  readonly stdout?: true;
}

/** Where a Collector takes OTLP over HTTP. */
const collectorPort = 4318;
const defaultFile = "healthspan.yaml";

/** `healthspan init`: a commented file from what is found here, and what to do with it. */
export async function init({ output, force, stdout }: InitArguments): Promise<void> {
  // Nobody should wait for what is then refused.
  if (!stdout && !force && existsSync(output)) throw fileExists(output);
  const file = await starterFile();
  if (stdout) {
    process.stdout.write(file.text);
    return;
  }
  write(output, file.text, force === true);
  const terminal = createTerminal(process.stdout, process.env);
  terminal.write(`Wrote ${terminal.paint("bold", output)}\n\n${renderFound(file.checks, terminal)}\n${next(output)}`);
}

async function starterFile(): Promise<StarterFile> {
  const { env } = process;
  const named = discoverChecks(env);
  const listening = await checksOfListeners(named);
  const isNamed =
    Boolean(env.OTEL_SERVICE_NAME) || /(^|,)\s*service\.name\s*=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? "");
  const { name, version } = packageHere();
  const collector = await listensHere(collectorPort);
  return createStarterFile({
    name: isNamed ? undefined : (name ?? serviceName(basename(process.cwd())) ?? "my-service"),
    ...(version !== undefined && { version }),
    checks: [...listening, ...named].sort((a, b) => Number(b.critical) - Number(a.critical)),
    endpoint: collector ? `http://${collector}:${collectorPort}` : "",
    env,
  });
}

/** Of the package in this folder, if it is one. */
function packageHere(): { readonly name?: string | undefined; readonly version?: string | undefined } {
  try {
    const { name, version } = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, unknown>;
    return {
      name: typeof name === "string" ? serviceName(name.replace(/^@[^/]*\//, "")) : undefined,
      version: typeof version === "string" && /^[\w.+-]{1,64}$/.test(version) ? version : undefined,
    };
  } catch {
    return {};
  }
}

/** What a name of a package or folder is good for. */
function serviceName(text: string): string | undefined {
  return (
    text
      .replaceAll(/[^\w.-]+/g, "-")
      .replaceAll(/^[-.]+|[-.]+$/g, "")
      .slice(0, 64) || undefined
  );
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw fileExists(file);
    const words: Readonly<Record<string, string>> = whyNotWritten;
    throw new CommandFailure(`healthspan: ${file} cannot be written: ${words[code ?? ""] ?? code ?? error}`);
  }
}

const forbidden = "no permission to write there; name another file by -o, or print it by --stdout";
const whyNotWritten = {
  ENOENT: "there is no such folder; create it",
  ENOTDIR: "there is no such folder; create it",
  EISDIR: "it is a folder; name a file in it",
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: forbidden,
  ENOSPC: "the disk is full; make room, or name a file elsewhere by -o",
} as const;

function fileExists(path: string): CommandFailure {
  const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder) return new CommandFailure(`healthspan: ${path} cannot be written: ${whyNotWritten.EISDIR}`);
  return new CommandFailure(`healthspan: ${path} exists; --force replaces it, -o names another, --stdout prints it`);
}

function renderFound(checks: readonly StarterCheck[], terminal: Terminal): string {
  const rows = checks.map(({ name, kind, critical, because, problem }): readonly Cell[] => [
    { text: name },
    { text: kind, color: "dim" },
    problem === undefined ? { text: critical ? "critical" : "optional" } : { text: "a comment", color: "yellow" },
    { text: problem === undefined ? because : `${because}, but it would not load: ${problem}` },
  ]);
  return renderTable(["CHECK", "KIND", "WRITTEN AS", "BECAUSE"], rows, terminal);
}

function next(file: string): string {
  // Without --config the environment's file is read first, then this one.
  const isFound = file.replace(/^\.\//, "") === defaultFile && !process.env.HEALTHSPAN_CONFIG;
  const config = isFound ? "" : ` --config ${quoted(file)}`;
  const steps = [
    [`healthspan check${config}`, "runs each check once"],
    [`healthspan run${config}`, "runs the agent"],
    ["healthspan doctor", "asks the running agent how it is"],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command.length));
  return `Next: look into the file, then\n${steps.map(([command, what]) => `  ${command.padEnd(width)}  ${what}\n`).join("")}`;
}

/** As a shell takes it for one word. */
const quoted = (word: string): string => (/^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
