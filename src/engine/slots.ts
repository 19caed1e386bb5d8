export interface Concurrency {
  /** Slots of each of the two pools. */
  readonly max: number;
  /** Runs of a kind at once, over both pools. */
  readonly perKind: Readonly<Record<string, number>>;
}

export type Pool = "steady" | "slow";

/** One start that waits for, or holds, a slot. */
export interface Start {
  readonly kind: string;
  pool: Pool;
  readonly begin: () => void;
}

/**
 * Who may run at once. Checks whose last result was good take slots of the steady pool; those that failed, and runs that
 * have lasted longer than a second (they move over), take the slow pool's. A hung target never delays a healthy one.
 */
export class Slots {
  private readonly held: Record<Pool, number> = { steady: 0, slow: 0 };
  private readonly heldPerKind = new Map<string, number>();
  private readonly waiting: Record<Pool, Start[]> = { steady: [], slow: [] };

  constructor(private readonly concurrency: Concurrency) {}

  /** Begins now when there is room, else as soon as there is. */
  request(start: Start): void {
    if (this.waiting[start.pool].length === 0 && this.hasRoom(start)) this.take(start);
    else {
      this.waiting[start.pool].push(start);
      this.admit(start.pool);
    }
  }

  /** Takes a start that still waits out of the queue. */
  withdraw(start: Start): void {
    const queue = this.waiting[start.pool];
    const index = queue.indexOf(start);
    if (index >= 0) queue.splice(index, 1);
  }

  /** The run has lasted long: it gives its steady slot to others and counts as slow, even beyond the slow pool's size. */
  moveToSlow(start: Start): void {
    if (start.pool === "slow") return;
    this.held.steady--;
    this.held.slow++;
    start.pool = "slow";
    this.admit("steady");
  }

  release(start: Start): void {
    this.held[start.pool]--;
    this.heldPerKind.set(start.kind, (this.heldPerKind.get(start.kind) ?? 1) - 1);
    this.admit("steady");
    this.admit("slow");
  }

  private hasRoom({ kind, pool }: Start): boolean {
    return this.held[pool] < this.concurrency.max && (this.heldPerKind.get(kind) ?? 0) < this.kindLimit(kind);
  }

  private kindLimit(kind: string): number {
    return this.concurrency.perKind[kind] ?? Number.POSITIVE_INFINITY;
  }

  private take(start: Start): void {
    this.held[start.pool]++;
    this.heldPerKind.set(start.kind, (this.heldPerKind.get(start.kind) ?? 0) + 1);
    start.begin();
  }

  private admit(pool: Pool): void {
    const queue = this.waiting[pool];
    for (let index = 0; index < queue.length && this.held[pool] < this.concurrency.max; ) {
      const start = queue[index];
      if (start === undefined || !this.hasRoom(start)) {
        index++; // its kind is at its cap: others behind it may go
        continue;
      }
      queue.splice(index, 1);
      this.take(start);
    }
  }
}
