import { type Clock, systemClock } from "../engine/clock.js";
import type { Log } from "../log.js";
import { descriptorShortage } from "../wire/own-shortage.js";

const lookEveryMs = 2_000;
/** So few left that the next run, or the next probe, may get none. */
const scarce = 8;

export interface DescriptorWatchOptions {
  readonly clock?: Clock;
  readonly shortage?: (count: number) => NodeJS.ErrnoException | undefined;
}

/**
 * Says once when this process runs out of file descriptors, and once when it is over: a connection that the system cannot
 * hand over is closed by Node without a word, and a probe that meets this fate looks like a dead agent.
 */
export function watchDescriptors(log: Log, options: DescriptorWatchOptions = {}): () => void {
  const { clock = systemClock, shortage = descriptorShortage } = options;
  let isShort = false;
  let cancel = (): void => {};
  const look = (): void => {
    const error = shortage(scarce);
    if (error && !isShort) log.error({ error }, words);
    if (!error && isShort) log.info({}, "files can be opened again");
    isShort = error !== undefined;
    cancel = clock.after(lookEveryMs, look, true);
  };
  look();
  return () => cancel();
}

const words =
  "this process has too many files open: checks fail as `internal`, and connections are closed, probes among them; allow it more (ulimit -n, LimitNOFILE)";
