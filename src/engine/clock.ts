/** Time, passed in: tests turn it by hand. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Never goes back, milliseconds from an arbitrary start. */
  monotonic(): number;
  /** Calls back once after about `delayMs`, 24 days at most; returns what cancels it. `isBackground` timers do not keep a process alive. */
  after(delayMs: number, callback: () => void, isBackground?: boolean): () => void;
}

/** A longer delay would overflow the timer, which then fires at once. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback, isBackground = false) {
    const timer = setTimeout(callback, Math.min(delayMs, maxTimerMs));
    if (isBackground) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves with `work`, or after `limitMs`; keeps the process alive until then. */
export async function atMost(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  let cancel: (() => void) | undefined;
  const limit = new Promise<void>((resolve) => {
    cancel = clock.after(limitMs, resolve);
  });
  await Promise.race([work, limit]);
  cancel?.();
}
