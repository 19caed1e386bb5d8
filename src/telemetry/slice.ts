import { setImmediate as giveLoopBack } from "node:timers/promises";

/** What long work does at once, before others have their turn of the event loop. */
export class Slice {
  private startedAt = performance.now();
  private steps = 0;

  /** Longest time, milliseconds; the clock is read once per `stepsPerLook`. */
  constructor(
    private readonly ms: number,
    private readonly stepsPerLook: number,
  ) {}

  /** To be asked after each step. */
  isOver(): boolean {
    this.steps += 1;
    return this.steps % this.stepsPerLook === 0 && performance.now() - this.startedAt >= this.ms;
  }

  /** Gives the event loop back, and begins the next one. */
  async next(): Promise<void> {
    await giveLoopBack();
    this.startedAt = performance.now();
  }
}
