/** What can be due; the heap keeps its own place in it, so that an entry is found and moved in log n. */
export interface Due {
  /** Monotonic milliseconds. */
  dueMs: number;
  /** Orders those that are due together, so that who waits for whom is the same every interval. */
  readonly phase: number;
  heapIndex: number;
}

export const notQueued = -1;

const isBefore = (a: Due, b: Due): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.phase < b.phase);

/** A binary heap, the earliest due first. One of them serves all checks, instead of a timer for each. */
export class DueHeap<Entry extends Due> {
  private readonly entries: Entry[] = [];

  get size(): number {
    return this.entries.length;
  }

  peek(): Entry | undefined {
    return this.entries[0];
  }

  /** Queues an entry at its new due time, or moves it there. */
  schedule(entry: Entry, dueMs: number): void {
    const earlier = entry.heapIndex !== notQueued && dueMs > entry.dueMs;
    entry.dueMs = dueMs;
    if (entry.heapIndex === notQueued) {
      entry.heapIndex = this.entries.length;
      this.entries.push(entry);
    }
    if (earlier) this.sink(entry);
    else this.rise(entry);
  }

  remove(entry: Entry): void {
    const index = entry.heapIndex;
    if (index === notQueued) return;
    entry.heapIndex = notQueued;
    const last = this.entries.pop();
    if (last === undefined || last === entry) return;
    this.place(last, index);
    this.rise(last);
    this.sink(last);
  }

  private rise(entry: Entry): void {
    let index = entry.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.entries[parentIndex];
      if (parent === undefined || !isBefore(entry, parent)) break;
      this.place(parent, index);
      index = parentIndex;
    }
    this.place(entry, index);
  }

  private sink(entry: Entry): void {
    let index = entry.heapIndex;
    for (;;) {
      const child = this.earlierChild(index);
      if (child === undefined || !isBefore(child, entry)) break;
      const childIndex = child.heapIndex;
      this.place(child, index);
      index = childIndex;
    }
    this.place(entry, index);
  }

  private earlierChild(index: number): Entry | undefined {
    const left = this.entries[2 * index + 1];
    const right = this.entries[2 * index + 2];
    return left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
  }

  private place(entry: Entry, index: number): void {
    this.entries[index] = entry;
    entry.heapIndex = index;
  }
}
