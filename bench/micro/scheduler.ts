import { gridMs } from "../../src/engine/cadence.js";
import type { Clock } from "../../src/engine/clock.js";
import { type Due, notQueued } from "../../src/engine/due-heap.js";
import { Scheduler } from "../../src/engine/scheduler.js";
import type { Figures } from "../side-by-side/figures.js";
import { microsecondsEach } from "./measured.js";

/** One timer, which goes off as soon as it is asked to: only the scheduler's own work is left. */
class EagerClock implements Clock {
  private ms = 0;
  private next: { readonly atMs: number; readonly callback: () => void } | undefined;

  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.ms + delayMs, callback };
    this.next = timer;
    return () => {
      if (this.next === timer) this.next = undefined;
    };
  }
  step(): void {
    const timer = this.next;
    if (timer === undefined) throw new Error("the scheduler has set no timer");
    this.next = undefined;
    this.ms = Math.max(this.ms, timer.atMs);
    timer.callback();
  }
}

/** A start, the next due time included, when 1,000 and when 10,000 checks share the schedule: ten start in each tick. */
export async function measure(): Promise<Figures> {
  return { tick1000Us: await startOf(1_000), tick10000Us: await startOf(10_000) };
}

async function startOf(checks: number): Promise<number> {
  const startsPerTick = 10;
  const intervalMs = (checks / startsPerTick) * gridMs;
  const clock = new EagerClock();
  const scheduler: Scheduler<Due> = new Scheduler(clock, (entry) => {
    scheduler.schedule(entry, entry.dueMs + intervalMs);
  });
  scheduler.expect((checks * 1_000) / intervalMs);
  for (let index = 0; index < checks; index += 1) {
    const entry: Due = { dueMs: 0, phase: index / checks, heapIndex: notQueued };
    scheduler.schedule(entry, (index % (checks / startsPerTick)) * gridMs);
  }
  scheduler.start();
  return (await microsecondsEach(() => clock.step())) / startsPerTick;
}
