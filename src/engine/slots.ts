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

/** Who waits, by kind, with the order they came in; a queue for each kind, so that thousands of a capped one cost nothing. */
type Waiting = Map<string, Map<Start, number>>;

/**
 * Who may run at once. Checks whose last result was good take slots of the steady pool; those that failed, and runs that
 * have lasted longer than a second (they move over), take the slow pool's. A hung target never delays a healthy one.
 */
export class Slots {
  private readonly held: Record<Pool, number> = { steady: 0, slow: 0 };
  private readonly heldPerKind = new Map<string, number>();
  private readonly waiting: Record<Pool, Waiting> = { steady: new Map(), slow: new Map() };
  private requests = 0;

  constructor(private readonly concurrency: Concurrency) {}

  /** Begins now when there is room, else as soon as there is. Whoever could begin never waits, so nobody is overtaken. */
  request(start: Start): void {
    if (this.hasRoom(start)) {
      this.take(start);
      return;
    }
    const waiting = this.waiting[start.pool];
    const ofKind = waiting.get(start.kind) ?? new Map<Start, number>();
    waiting.set(start.kind, ofKind.set(start, this.requests++));
  }

  /** Takes a start that still waits out of the queue. */
  withdraw(start: Start): void {
    const ofKind = this.waiting[start.pool].get(start.kind);
    ofKind?.delete(start);
    if (ofKind?.size === 0) this.waiting[start.pool].delete(start.kind);
  }

  /** The run has lasted long: it gives its steady slot to others and counts as slow, even beyond the slow pool's size. */
  moveToSlow(start: Start): void {
    if (start.pool === "slow") return;
    this.held.steady--;
    this.held.slow++;
    start.pool = "slow";
    this.admit();
  }

  release(start: Start): void {
    this.held[start.pool]--;
    this.heldPerKind.set(start.kind, (this.heldPerKind.get(start.kind) ?? 1) - 1);
    this.admit();
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

  private admit(): void {
    for (let start = this.next(); start !== undefined; start = this.next()) {
      this.withdraw(start);
      this.take(start);
    }
  }

  /** Who has waited longest of those that may begin: a kind at its cap, and a full pool, let others pass. */
  private next(): Start | undefined {
    let next: Start | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const waiting of [this.waiting.steady, this.waiting.slow]) {
      for (const ofKind of waiting.values()) {
        const [start, order] = ofKind.entries().next().value ?? [];
        if (start === undefined || order === undefined || order > earliest || !this.hasRoom(start)) continue;
        next = start;
        earliest = order;
      }
    }
    return next;
  }
}
