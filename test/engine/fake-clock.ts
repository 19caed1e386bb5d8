import type { Clock } from "../../src/engine/clock.js";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that a test turns by hand. Promises that a timer resolves are settled before the next timer fires. */
export class FakeClock implements Clock {
  private elapsedMs = 0;
  private timers: Timer[] = [];
  armed = 0;

  constructor(private epochMs = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.epochMs + this.elapsedMs;
  }

  monotonic(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.elapsedMs + delayMs, callback };
    this.timers.push(timer);
    this.armed++;
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  get pending(): number {
    return this.timers.length;
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.elapsedMs + ms;
    await settle();
    for (let next = this.nextBefore(endMs); next; next = this.nextBefore(endMs)) {
      this.timers = this.timers.filter((timer) => timer !== next);
      this.elapsedMs = Math.max(this.elapsedMs, next.atMs);
      next.callback();
      await settle();
    }
    this.elapsedMs = endMs;
  }

  /** Somebody set the wall clock. */
  stepWall(ms: number): void {
    this.epochMs += ms;
  }

  /** The loop stood still: time went on and no timer fired. */
  stall(ms: number): void {
    this.elapsedMs += ms;
  }

  private nextBefore(endMs: number): Timer | undefined {
    return this.timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
