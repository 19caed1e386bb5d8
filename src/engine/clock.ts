/** Time, passed in: tests turn it by hand. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Never goes back, milliseconds from an arbitrary start. */
  monotonic(): number;
  /** Calls back once after about `delayMs`; returns what cancels it. `isBackground` timers do not keep a process alive. */
  after(delayMs: number, callback: () => void, isBackground?: boolean): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback, isBackground = false) {
    const timer = setTimeout(callback, delayMs);
    if (isBackground) timer.unref();
    return () => clearTimeout(timer);
  },
};
