import { burstMs, maxStarts } from "./cadence.js";
import type { Clock } from "./clock.js";
import { type Due, DueHeap } from "./due-heap.js";

const wakeEarlyMs = 0.5;
const deadAfterMs = 60_000;

/** One timer over a heap of due times. Calls `onDue` for each entry that is due; whoever is called schedules it again. */
export class Scheduler<Entry extends Due> {
  private readonly heap = new DueHeap<Entry>();
  private cancelTimer: (() => void) | undefined;
  private timerAtMs = Number.POSITIVE_INFINITY;
  private lastTickMs: number;
  private isRunning = false;
  private maxStarts = maxStarts(0);
  /** When the burst began that `starts` counts. */
  private burstAtMs = Number.NEGATIVE_INFINITY;
  private starts = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onDue: (entry: Entry, lagMs: number) => void,
  ) {
    this.lastTickMs = clock.monotonic();
  }

  start(): void {
    this.isRunning = true;
    this.lastTickMs = this.clock.monotonic();
    this.arm();
  }

  stop(): void {
    this.isRunning = false;
    this.disarm();
  }

  schedule(entry: Entry, dueMs: number): void {
    this.heap.schedule(entry, dueMs);
    if (this.isRunning && dueMs < this.timerAtMs) this.arm();
  }

  remove(entry: Entry): void {
    this.heap.remove(entry);
  }

  /** Sets how many runs a second are expected, which caps the starts within a burst. */
  expect(runsPerSecond: number): void {
    this.maxStarts = maxStarts(runsPerSecond);
  }

  /** False when the loop turns, something has been due for 60 s, and nothing has been dispatched. */
  get isAlive(): boolean {
    if (!this.isRunning) return true;
    const overdueMs =
      this.clock.monotonic() - Math.max(this.heap.peek()?.dueMs ?? Number.POSITIVE_INFINITY, this.lastTickMs);
    return overdueMs < deadAfterMs;
  }

  private tick(): void {
    this.cancelTimer = undefined;
    this.timerAtMs = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonic();
    this.lastTickMs = now;
    if (now - this.burstAtMs >= burstMs) {
      this.burstAtMs = now;
      this.starts = 0;
    }
    while (this.isRunning) {
      const entry = this.heap.peek();
      if (entry === undefined || entry.dueMs > now + wakeEarlyMs) break;
      if (this.starts >= this.maxStarts) {
        this.armAt(this.burstAtMs + burstMs);
        return;
      }
      this.starts += 1;
      this.heap.remove(entry);
      this.onDue(entry, Math.max(0, now - entry.dueMs));
    }
    this.arm();
  }

  private arm(): void {
    const next = this.heap.peek();
    if (this.isRunning && next !== undefined) this.armAt(next.dueMs);
  }

  private armAt(atMs: number): void {
    this.disarm();
    this.timerAtMs = atMs;
    const delayMs = Math.max(0, atMs - this.clock.monotonic());
    this.cancelTimer = this.clock.after(delayMs, () => this.tick(), true);
  }

  private disarm(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.timerAtMs = Number.POSITIVE_INFINITY;
  }
}
