import type { AgentConfig } from "../config/agent-config.js";
import { emptyDisk } from "../config/disk.js";
import { type LoadResult, loadConfig } from "../config/load-config.js";
import { type ConfigProblem, formatProblem } from "../config/problem.js";
import { checkFromUrl, exampleUrlNear, objectionToUrl } from "../discovery/check-from-url.js";
import { type EnvironmentLoad, loadConfigOrDiscover } from "../discovery/discover-checks.js";
import { CommandFailure } from "./exit.js";

/** No file and no variable can say this: who may write a config must not thereby be able to run programs. */
export const allowExecFlag = "--allow-exec";

export interface ConfigArguments {
  /** `--config`, in order. */
  readonly config?: readonly string[];
  /** `--allow-exec`: checks may run programs on this host. */
  readonly allowExec?: true;
  /** The checks of all shards, for what holds for the fleet. */
  readonly acrossShards?: true;
}

/** Reads the files that were named, else those of the environment, else what the environment itself names. */
export function readConfiguration({ config, allowExec, acrossShards }: ConfigArguments): EnvironmentLoad {
  return loadConfigOrDiscover({
    ...(config && { files: config }),
    ...(allowExec && { consents: [allowExecFlag] }),
    ...(acrossShards && { acrossShards }),
  });
}

/** @throws CommandFailure with every problem on a line of its own. */
export function configOf(result: LoadResult): AgentConfig {
  if (result.ok) return result.config;
  throw new CommandFailure(describeProblems(result.problems));
}

function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(formatProblem).join("\n");
}

/** The configuration of one check, as a URL describes it. @throws CommandFailure when no kind knows such URLs. */
export function configOfUrl(url: string): AgentConfig {
  if (!URL.canParse(url)) {
    throw new CommandFailure(
      `healthspan: this is no URL; write one such as ${exampleUrlNear(url)}, with a password percent-encoded`,
    );
  }
  const check = checkFromUrl(url);
  if (!check) throw new CommandFailure(`healthspan: ${objectionToUrl(url)}`);
  const withoutFiles = () => ({ checks: [check] });
  return configOf(loadConfig({ disk: emptyDisk, env: {}, withoutFiles, standInFor: "command line" }));
}
