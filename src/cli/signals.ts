import type { RunningAgent } from "../agent.js";
import type { Log } from "../log.js";
import { exitCode } from "./exit.js";

type Obedient = Pick<RunningAgent, "drain" | "stop" | "reload">;

export interface Obedience {
  /** Resolves once the agent runs; a signal that comes earlier is obeyed then. */
  readonly starting: Promise<Obedient>;
  readonly log: Log;
  /** At a terminal nobody waits for a load balancer. */
  readonly isAtTerminal: boolean;
  /** Ends the process once the agent has stopped. */
  readonly exit: (code: number) => Promise<void>;
}

/**
 * SIGTERM and SIGINT end the agent: readiness flips before the handler returns, then it drains and stops, exit code 0.
 * A second one ends it at once. SIGHUP reads the configuration again.
 */
export function obeySignals({ starting, log, isAtTerminal, exit }: Obedience): void {
  let agent: Obedient | undefined;
  let isEnding = false;
  const end = (signal: "SIGTERM" | "SIGINT"): void => {
    if (isEnding) process.exit(signal === "SIGINT" ? exitCode.interrupted : exitCode.terminated);
    isEnding = true;
    agent?.drain();
    log.info({ signal }, `${signal}: stopping`);
    const withoutDelay = signal === "SIGINT" && isAtTerminal;
    if (agent) void stop(agent, withoutDelay ? { drainDelayMs: 0 } : {});
  };
  const stop = async (running: Obedient, options: { readonly drainDelayMs?: number }): Promise<void> => {
    try {
      await running.stop(options);
      await exit(exitCode.ok);
    } catch (error) {
      log.error({ error }, "stopping failed");
      await exit(exitCode.internal);
    }
  };
  const begin = (running: Obedient): void => {
    agent = running;
    // It never was ready: nobody sends it traffic that could be waited for.
    if (isEnding) void stop(running, { drainDelayMs: 0 });
  };
  // Why it does not start is for whoever starts it to say.
  starting.then(begin, () => {});
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("SIGHUP", () => void starting.then((running) => running.reload("SIGHUP")).catch(() => {}));
}
