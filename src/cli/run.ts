import { watchConfig } from "../config/watch.js";
import { createLog, type LogLevel, type ProcessLog } from "../log.js";
import { type ConfigArguments, configOf, readConfiguration } from "./configuration.js";
import { obeyErrors } from "./errors.js";
import { sayFound } from "./found.js";
import { obeySignals } from "./signals.js";
import { startOrFail } from "./start.js";
import { wantsColor } from "./terminal.js";

export interface RunArguments extends ConfigArguments {
  readonly logLevel: LogLevel;
  readonly logFormat: "auto" | "json" | "pretty";
}

/** `healthspan run`: an agent until a signal ends it. Resolves once it runs. */
export async function run(options: RunArguments): Promise<void> {
  const { result, discovered } = readConfiguration(options);
  const config = configOf(result);
  const log = await openLog(options, config.secrets);
  obeyErrors(log);
  const hasFiles = config.sources.length > 0;
  if (!hasFiles) sayFound(discovered, log);
  for (const notice of config.notices) log.info({}, notice);
  for (const warning of config.warnings) log.warn({}, warning);
  let { watched } = result;
  const reload = () => {
    const { result: next } = readConfiguration(options);
    ({ watched } = next);
    if (next.ok) log.hide(next.config.secrets);
    return next;
  };
  const exit = async (code: number): Promise<never> => {
    await log.flush();
    process.exit(code);
  };
  const starting = startOrFail({ config, log, ...(hasFiles && { reload }) });
  obeySignals({ starting, log, isAtTerminal: process.stdin.isTTY === true, exit });
  const agent = await starting;
  if (options.logFormat !== "json" && process.stdout.isTTY) log.info({}, whatNext(agent.url));
  if (hasFiles) watchConfig({ paths: () => watched, onChange: () => agent.reload("a file changed") });
}

/** For people who have started their first agent. */
const whatNext = (url: string): string =>
  `open ${url} for the status page; \`healthspan doctor ${url}\` walks the agent`;

function openLog({ logLevel, logFormat }: RunArguments, secrets: readonly string[]): Promise<ProcessLog> {
  const isTerminal = process.stdout.isTTY === true;
  const pretty = logFormat === "auto" ? isTerminal : logFormat === "pretty";
  return createLog({ secrets, level: logLevel, pretty, colors: wantsColor(isTerminal, process.env) });
}
