import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/**
 * All that goes on in a soak waits by `pause`, so that its end, be it the time or Ctrl-C, ends every wait and every
 * `finally` on the way out stops what it started.
 */
const end = new AbortController();
setMaxListeners(0, end.signal);
let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    isInterrupted = true;
    end.abort();
  });
}

export const endSoak = (): void => end.abort();
export const hasEnded = (): boolean => end.signal.aborted;
export const wasInterrupted = (): boolean => isInterrupted;

/** @throws an `AbortError` when the soak ends. */
export async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { signal: end.signal });
}
