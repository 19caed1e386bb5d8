import { type Status, statuses } from "../check.js";
import type { Result } from "./state.js";

export const historyLength = 120;
const firstCapacity = 8;

export interface HistoryEntry {
  readonly atMs: number;
  readonly status: Status;
  /** Absent where no run took place. */
  readonly durationMs?: number;
}

/** The last 120 results of one check, oldest overwritten first; packed, because an agent may hold 10,000 of them. */
export class History {
  private atMs = new Float64Array(firstCapacity);
  private durationMs = new Float32Array(firstCapacity);
  private status = new Uint8Array(firstCapacity);
  private next = 0;
  private count = 0;

  add(result: Pick<Result, "atMs" | "status" | "durationMs">): void {
    if (this.count === this.atMs.length && this.count < historyLength) this.grow();
    this.atMs[this.next] = result.atMs;
    this.durationMs[this.next] = result.durationMs ?? Number.NaN;
    this.status[this.next] = statuses.indexOf(result.status);
    this.next = (this.next + 1) % historyLength;
    this.count = Math.min(this.count + 1, historyLength);
  }

  /** Oldest first. */
  entries(): readonly HistoryEntry[] {
    const start = this.count < historyLength ? 0 : this.next;
    return Array.from({ length: this.count }, (_, index) => this.entry((start + index) % historyLength));
  }

  private entry(index: number): HistoryEntry {
    const durationMs = this.durationMs[index] ?? Number.NaN;
    return {
      atMs: this.atMs[index] ?? 0,
      status: statuses[this.status[index] ?? 3] ?? "unknown",
      ...(!Number.isNaN(durationMs) && { durationMs }),
    };
  }

  private grow(): void {
    const capacity = Math.min(2 * this.atMs.length, historyLength);
    this.atMs = enlarge(this.atMs, new Float64Array(capacity));
    this.durationMs = enlarge(this.durationMs, new Float32Array(capacity));
    this.status = enlarge(this.status, new Uint8Array(capacity));
  }
}

function enlarge<Numbers extends Float64Array | Float32Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
