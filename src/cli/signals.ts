import type { RunningAgent } from "../agent.js";
import type { Log } from "../log.js";
import { exitCode } from "./exit.js";

export interface Obedience {
  readonly agent: Pick<RunningAgent, "drain" | "stop" | "reload">;
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
export function obeySignals({ agent, log, isAtTerminal, exit }: Obedience): void {
  let isEnding = false;
  const end = (signal: "SIGTERM" | "SIGINT"): void => {
    if (isEnding) process.exit(signal === "SIGINT" ? exitCode.interrupted : exitCode.terminated);
    isEnding = true;
    agent.drain();
    log.info({ signal }, `${signal}: stopping`);
    const withoutDelay = signal === "SIGINT" && isAtTerminal;
    void stop(withoutDelay ? { drainDelayMs: 0 } : {});
  };
  const stop = async (options: { readonly drainDelayMs?: number }): Promise<void> => {
    try {
      await agent.stop(options);
      await exit(exitCode.ok);
    } catch (error) {
      log.error({ error }, "stopping failed");
      await exit(exitCode.internal);
    }
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("SIGHUP", () => void agent.reload("SIGHUP"));
}
