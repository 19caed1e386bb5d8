import { checkOnce, type OnceResult } from "../agent/once.js";
import type { AgentConfig } from "../config/agent-config.js";
import { describeShard } from "../config/shard.js";
import { renderChecks, renderVerdict } from "./check-table.js";
import { type ConfigArguments, configOf, configOfUrl, readConfiguration } from "./configuration.js";
import { CommandFailure, exitCode, statusExitCode } from "./exit.js";
import { renderExplanation } from "./explanation.js";
import { startProgress } from "./progress.js";
import { worstStatus } from "./statuses.js";
import { createTerminal, type Terminal } from "./terminal.js";
import { unknownCheck } from "./unknown-check.js";

export interface CheckArguments extends ConfigArguments {
  readonly json?: true;
  readonly explain?: true;
}

const noFile =
  "healthspan: no configuration file: checking what the environment names (`healthspan init` writes a file)\n";

/** `healthspan check`: runs checks once; the exit code says what they found. */
export async function check(words: readonly string[], options: CheckArguments): Promise<void> {
  endInOrder();
  const terminal = createTerminal(process.stdout, process.env);
  const isUrl = words.some((word) => word.includes("://"));
  const config = isUrl ? urlConfig(words, options) : configOf(readConfiguration(reachOf(words, options)).result);
  if (!isUrl && config.sources.length === 0) process.stderr.write(noFile);
  const names = isUrl ? [] : words;
  refuseUnknown(names, config);
  const { report, spans } = await runOnce(config, names, options);
  if (options.json) terminal.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else terminal.write(renderChecks(report, terminal));
  if (options.explain) terminal.write(renderExplanation(config, spans, terminal.paint));
  if (!options.json) terminal.write(`\n${closing(report, words, options, terminal)}`);
  const statuses = Object.values(report.dependencies).map((dependency) => dependency.status);
  process.exitCode = statusExitCode[words.length > 0 ? worstStatus(statuses) : report.status];
}

/** A signal's default end would leave the programs of `exec` checks running: they are in groups of their own. */
function endInOrder(): void {
  process.once("SIGINT", () => process.exit(exitCode.interrupted));
  process.once("SIGTERM", () => process.exit(exitCode.terminated));
  process.once("SIGHUP", () => process.exit(exitCode.hungUp));
}

/** Whoever names a check asks for that one, whatever shard its runs belong to. */
const reachOf = (names: readonly string[], options: CheckArguments): CheckArguments =>
  names.length > 0 ? { ...options, acrossShards: true } : options;

function urlConfig(words: readonly string[], options: CheckArguments): AgentConfig {
  const [url] = words;
  if (url === undefined || words.length > 1) throw new CommandFailure("healthspan: check takes names, or one URL");
  if (options.config) throw new CommandFailure("healthspan: a URL and --config do not go together; leave one out");
  return configOfUrl(url);
}

function refuseUnknown(names: readonly string[], { checks, shard, checksOfAllShards }: AgentConfig): void {
  const known = checks.map(({ policy }) => policy.name);
  const unknown = names.filter((name) => !known.includes(name));
  const file = unknown.find((name) => /\.ya?ml$/.test(name));
  if (file !== undefined) {
    throw new CommandFailure(`healthspan: no check is named ${file}; a file is named by --config ${file}`);
  }
  if (unknown.length > 0) {
    const isAddress = unknown.some((name) => /[:/]/.test(name));
    throw new CommandFailure(
      isAddress
        ? `healthspan: no check is named ${unknown.join(", ")}, and a URL begins with its scheme; healthspan check --help shows those of each kind`
        : `healthspan: ${unknownCheck(unknown, known)}`,
    );
  }
  if (known.length === 0 && shard && checksOfAllShards > 0) {
    throw new CommandFailure(`healthspan: ${describeShard(shard, 0, checksOfAllShards)}; name those to run here`);
  }
  if (known.length === 0) {
    throw new CommandFailure("healthspan: the configuration has no checks; add one under `checks:`");
  }
}

async function runOnce(config: AgentConfig, names: readonly string[], options: CheckArguments): Promise<OnceResult> {
  const waiting = new Set(names.length > 0 ? names : config.checks.map(({ policy }) => policy.name));
  const total = waiting.size;
  const words = (): string => `${total - waiting.size} of ${total} done, waiting for ${[...waiting].join(", ")}`;
  const progress = startProgress(words(), createTerminal(process.stderr, process.env));
  try {
    return await checkOnce({
      config,
      ...(names.length > 0 && { names }),
      ...(options.explain && { records: true }),
      onResult: (name) => {
        waiting.delete(name);
        progress.say(words());
      },
    });
  } finally {
    progress.end();
  }
}

function closing(
  { status, message, dependencies }: OnceResult["report"],
  words: readonly string[],
  { explain }: CheckArguments,
  terminal: Terminal,
): string {
  const entries = Object.entries(dependencies);
  const overall = words.length > 0 ? worstStatus(entries.map(([, { status: each }]) => each)) : status;
  const line = renderVerdict(overall, words.length > 0 ? "" : message, terminal);
  const isAllWell = entries.every(([, { healthy }]) => healthy);
  return isAllWell || explain ? line : `${line}Next: add --explain to see where it went wrong\n`;
}
