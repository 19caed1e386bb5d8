import type { Clock } from "./clock.js";

/** Something that was promised to be over by a time. */
export interface Deadline {
  readonly atMs: number;
  /** Undefined once it is over, so that a queue keeps nothing of what is done alive. */
  onExpiry: (() => void) | undefined;
}

/** A timer this much too late means that the event loop was held, not that the targets were slow. */
const stallMs = 50;
/** A reload leaves the lengths of the checks that it takes away. */
const maxQueues = 64;

/**
 * Deadlines without a timer each: one queue per length, whose entries expire in the order they came, and one timer for
 * the earliest. Almost all are over long before, so the timer fires about once per length; none is armed while nothing runs.
 */
export class Deadlines {
  private readonly queues = new Map<number, Queue>();
  private open = 0;
  private cancelTimer: (() => void) | undefined;
  private timerAtMs = Number.POSITIVE_INFINITY;
  private hasYielded = false;

  constructor(private readonly clock: Clock) {}

  add(lengthMs: number, onExpiry: () => void): Deadline {
    const deadline: Deadline = { atMs: this.clock.monotonic() + lengthMs, onExpiry };
    let queue = this.queues.get(lengthMs);
    if (!queue) {
      queue = new Queue();
      this.queues.set(lengthMs, queue);
    }
    queue.add(deadline);
    this.open++;
    if (deadline.atMs < this.timerAtMs) this.armAt(deadline.atMs);
    return deadline;
  }

  /** What was awaited is done. */
  end(deadline: Deadline): void {
    if (deadline.onExpiry === undefined) return;
    deadline.onExpiry = undefined;
    this.open--;
    if (this.open > 0) return;
    this.disarm();
    // Emptied one by one: of a map that is cleared all the time V8 keeps the garbage alive, each table
    // leading to the next (400 bytes a deadline that stood alone).
    if (this.queues.size > maxQueues) this.queues.clear();
    else for (const queue of this.queues.values()) queue.clear();
  }

  private expire(): void {
    const now = this.clock.monotonic();
    const isLate = now - this.timerAtMs > stallMs;
    this.cancelTimer = undefined;
    this.timerAtMs = Number.POSITIVE_INFINITY;
    if (isLate && !this.hasYielded) {
      // Our own loop stood still: answers that came in time wait behind this timer, and are let in first.
      this.hasYielded = true;
      this.armAt(now);
      return;
    }
    this.hasYielded = false;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const queue of this.queues.values()) {
      for (let head = queue.head(); head !== undefined; head = queue.head()) {
        if (head.atMs > now) {
          earliestMs = Math.min(earliestMs, head.atMs);
          break;
        }
        const { onExpiry } = head;
        this.end(head);
        onExpiry?.();
      }
    }
    if (earliestMs < this.timerAtMs) this.armAt(earliestMs);
  }

  private armAt(atMs: number): void {
    this.disarm();
    this.timerAtMs = atMs;
    this.cancelTimer = this.clock.after(Math.max(0, atMs - this.clock.monotonic()), () => this.expire());
  }

  private disarm(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.timerAtMs = Number.POSITIVE_INFINITY;
  }
}

const compactAfter = 256;

/** First in, first out, without moving the rest at each step. */
class Queue {
  private entries: Deadline[] = [];
  private first = 0;

  clear(): void {
    this.entries = [];
    this.first = 0;
  }

  add(deadline: Deadline): void {
    this.entries.push(deadline);
    if (this.entries.length > 2 * compactAfter) this.head();
  }

  /** The earliest that is not over; those before it are let go. */
  head(): Deadline | undefined {
    for (let entry = this.entries[this.first]; entry && !entry.onExpiry; entry = this.entries[this.first]) this.first++;
    if (this.first >= compactAfter) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
    return this.entries[this.first];
  }
}
