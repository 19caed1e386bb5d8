import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Ctrl-C ends the pause that a measurement is in, so that every `finally` on the way out stops what it started. A signal
 * more changes nothing: a terminal, npm and a closing window may each send one.
 */
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interruption.abort());

export const isInterrupted = (): boolean => interruption.signal.aborted;

/** @throws when the measurement is interrupted. */
export async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { signal: interruption.signal });
}

const graceMs = 5_000;

/** SIGTERM, then SIGKILL. Resolves when the process is gone. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  // One that is stopped dies of nothing else.
  child.kill("SIGCONT");
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await gone;
  clearTimeout(timer);
}
