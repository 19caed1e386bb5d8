import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningAgent } from "../agent.js";
import { createLog, type Log } from "../log.js";
import { configOf, readConfiguration } from "./configuration.js";
import { demoConfigText } from "./demo/demo-config.js";
import { type FaultRhythm, interleaveFaults, playFaults } from "./demo/faults.js";
import type { LatePart, Part } from "./demo/part.js";
import { partNames, type StartedParts, startParts, whyMissing } from "./demo/parts.js";
import { type HeldPort, holdPort } from "./demo/processes.js";
import { type OpenStage, openStage } from "./demo/stage.js";
import { welcome } from "./demo/welcome.js";
import { obeyErrors } from "./errors.js";
import { CommandFailure, exitCode } from "./exit.js";
import { startProgress } from "./progress.js";
import { startOrFail } from "./start.js";
import { createTerminal } from "./terminal.js";

export interface DemoArguments {
  readonly port?: number;
  readonly otlp?: string;
  readonly fast?: true;
  /** Parts that are not wanted. */
  readonly without?: readonly string[];
}

interface Pace extends FaultRhythm {
  readonly intervalMs: number;
}

const calm: Pace = { intervalMs: 2_000, quietMs: 8_000, faultMs: 12_000 };
const fast: Pace = { intervalMs: 1_000, quietMs: 1_500, faultMs: 5_000 };
const preferredPort = 9_464;

/** `healthspan demo`: an agent over real parts, and faults that come and go until a signal ends it. */
export async function demo(options: DemoArguments): Promise<void> {
  const { without = [] } = options;
  refuseUnknown(without);
  const ended = endSignal();
  const held = await holdAgentPort(options.port);
  const stage = openStage();
  let started: StartedParts | undefined;
  try {
    started = await startBehindProgress(stage, without);
    if (!ended.aborted) await play(started, { stage, held, options, ended });
  } finally {
    await held.release();
    const running = [...(started?.parts ?? []), ...(started?.late ?? [])];
    await Promise.allSettled(running.map((part) => part.stop()));
    await stage.close();
  }
  process.stdout.write("Everything is stopped and removed.\n");
  process.exitCode = exitCode.ok;
}

function refuseUnknown(names: readonly string[]): void {
  const unknown = names.find((name) => !partNames.includes(name));
  if (unknown === undefined) return;
  throw new CommandFailure(
    `healthspan: the demo has no part ${unknown}; it has ${partNames.join(", ")}`,
    exitCode.usage,
  );
}

/** Before anything is started and shown, and until the agent listens on it: no part may take it meanwhile. */
async function holdAgentPort(wanted: number | undefined): Promise<HeldPort> {
  const held = await holdPort(wanted ?? preferredPort);
  if (!wanted || held.port === wanted) return held;
  await held.release();
  const why = held.objection === "EACCES" ? "may not be listened on by this user" : "is in use";
  throw new CommandFailure(`healthspan: port ${wanted} ${why}; name another one by --port`);
}

async function startBehindProgress(stage: OpenStage, without: readonly string[]): Promise<StartedParts> {
  const progress = startProgress("starting the parts", createTerminal(process.stderr, process.env));
  try {
    return await startParts(stage, without);
  } finally {
    progress.end();
  }
}

interface Play {
  readonly stage: OpenStage;
  readonly held: HeldPort;
  readonly options: DemoArguments;
  readonly ended: AbortSignal;
}

async function play(started: StartedParts, { stage, held, options, ended }: Play): Promise<void> {
  const parts = [...started.parts];
  const pace = options.fast ? fast : calm;
  const { port } = held;
  const file = join(stage.folder, "healthspan.yaml");
  const writeConfig = (): void => {
    const text = demoConfigText({ parts, port, intervalMs: pace.intervalMs, otlpEndpoint: options.otlp });
    writeFileSync(file, text, { mode: 0o600 });
  };
  writeConfig();
  // The demo has written the file itself: whoever runs it consents to its script.
  const read = () => readConfiguration({ config: [file], allowExec: true }).result;
  const config = configOf(read());
  const terminal = createTerminal(process.stdout, process.env);
  const log = await createLog({
    secrets: config.secrets,
    pretty: true,
    colors: terminal.paint("dim", "") !== "",
    // Whoever closes what it writes to wants it to end, and it does.
    complain: () => {},
  });
  obeyErrors(log);
  terminal.write(
    welcome({ ...started, url: `http://127.0.0.1:${port}`, file, pace, otlp: options.otlp }, terminal.paint),
  );
  await held.release();
  const agent = await startOrFail({ config, log, reload: read });
  for (const late of started.late) {
    const add = (part: Part): Promise<void> => {
      parts.push(part);
      writeConfig();
      return agent.reload(`${part.name} has started`);
    };
    void takeIn(late, { add, ended, log });
  }
  await seenToWork(agent, ended);
  await playFaults(
    () => interleaveFaults(parts),
    pace,
    (words) => log.info({}, words),
    ended,
  );
  await agent.stop({ drainDelayMs: 0 });
  await log.flush();
}

/** No fault comes before the checks that matter have a first result: on a busy machine that takes a while. */
async function seenToWork(agent: RunningAgent, ended: AbortSignal): Promise<void> {
  while (agent.health.report().phase === "starting" && !ended.aborted) await sleep(50);
}

interface Joining {
  readonly add: (part: Part) => Promise<void>;
  readonly ended: AbortSignal;
  readonly log: Log;
}

/** Starts a late part and takes it in, by a reload of the configuration. */
async function takeIn(late: LatePart, { add, ended, log }: Joining): Promise<void> {
  try {
    const part = await late.start();
    if (!ended.aborted) await add(part);
  } catch (error) {
    if (!ended.aborted) log.warn({}, `left out: ${whyMissing(late.name, error)}`);
  }
}

/** One Ctrl-C under `npm start` comes twice: from the terminal, and handed on by the script. */
const sameSignalMs = 500;

/**
 * Aborted by the first signal, or when nobody reads the output any more (`| head`); a second signal ends the demo at once,
 * and its janitor clears up.
 */
function endSignal(): AbortSignal {
  const ended = new AbortController();
  let endedAt = 0;
  const end = (code: number) => (): void => {
    const now = performance.now();
    if (!ended.signal.aborted) {
      endedAt = now;
      ended.abort();
    } else if (now - endedAt > sameSignalMs) process.exit(code);
  };
  process.on("SIGINT", end(exitCode.interrupted));
  process.on("SIGTERM", end(exitCode.terminated));
  process.on("SIGHUP", end(exitCode.terminated));
  process.stdout.once("error", () => ended.abort());
  return ended.signal;
}
