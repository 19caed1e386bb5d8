import type { Signal } from "../signals/agent-instruments.js";

/** Something that a person who runs the agent should read in its log. */
export interface Diagnostic {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}
export type OnDiagnostic = (diagnostic: Diagnostic) => void;

/** Keeps count of what one signal lost on its way, and says so once when it begins and once when it is over. */
export class Delivery {
  private readonly place: string;
  private total = 0;
  private lostInOutage = 0;
  private isOutage = false;
  private hasOverflowed = false;

  constructor(
    readonly signal: Signal,
    endpoint: string,
    private readonly onDiagnostic: OnDiagnostic,
  ) {
    // User info and query may be credentials.
    const { origin, pathname } = new URL(endpoint);
    this.place = origin + pathname;
  }

  /** Items that were never delivered, since the start. */
  get dropped(): number {
    return this.total;
  }

  /** The queue was full: these items never left. */
  overflowed(items: number): void {
    this.hasOverflowed = true;
    this.lost(items, "the queue is full");
  }

  /** A batch was given up. */
  failed(items: number, why: string): void {
    this.lost(items, why);
  }

  /** A batch arrived. With a queue that still overflows the outage is not over. */
  arrived(): void {
    if (!this.isOutage) return;
    if (this.hasOverflowed) {
      this.hasOverflowed = false;
      return;
    }
    this.isOutage = false;
    this.onDiagnostic({
      level: "info",
      message: `${this.signal} arrive again at ${this.place}; ${this.lostInOutage} ${itemsOf[this.signal]} were lost`,
    });
    this.lostInOutage = 0;
  }

  private lost(items: number, why: string): void {
    this.total += items;
    this.lostInOutage += items;
    if (this.isOutage) return;
    this.isOutage = true;
    this.onDiagnostic({
      level: "warn",
      message: `${this.signal} do not arrive at ${this.place}: ${why}; ${itemsOf[this.signal]} are dropped until they do`,
    });
  }
}

const itemsOf: Readonly<Record<Signal, string>> = {
  traces: "spans",
  metrics: "metric points",
  logs: "log records",
};
