import { cleanText } from "../check.js";
import type { Signal } from "../signals/agent-instruments.js";

/** Something that a person who runs the agent should read in its log. */
export interface Diagnostic {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}
export type OnDiagnostic = (diagnostic: Diagnostic) => void;

/** What a receiver said to a request that it took. */
export interface Answer {
  /** Items of the request that it did not take. */
  readonly rejected: number;
  /** Its own words, or ours on an answer that is none. */
  readonly remark?: string;
}

/** Keeps count of what one signal lost on its way, and says so once when it begins and once when it is over. */
export class Delivery {
  private readonly place: string;
  private total = 0;
  private underWay = 0;
  private lostInOutage = 0;
  private isOutage = false;
  /** Something was lost beside the batch that arrives: by a full queue, or by an answer that took only a part. */
  private hasLostBeside = false;
  private isRemarked = false;
  private why = "";
  private phase: "open" | "closing" | "over" = "open";

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

  /** A batch goes out; `arrived` or `failed` tells what became of it. */
  sent(items: number): void {
    this.underWay += items;
  }

  /** The queue was full: these items never left. */
  overflowed(items: number): void {
    this.neverLeft(items, "the queue is full");
  }

  /** What keeps them from the queue, while others go on. */
  neverLeft(items: number, why: string): void {
    this.hasLostBeside = true;
    this.lost(items, why);
  }

  /** Why items are lost that a bug, of an exporter or ours, keeps from being written. The log says where, at level debug. */
  bug(error: unknown): string {
    const [message, stack] = error instanceof Error ? [error.message, error.stack] : [String(error)];
    if (!this.isOutage && stack !== undefined) this.say("debug", `${this.signal} cannot be written: ${stack}`);
    return `they cannot be written (${message})`;
  }

  /** What the receiver said to a batch, before that batch counts as arrived. */
  answered({ rejected, remark }: Answer): void {
    const words = remark === undefined ? "" : `: ${cleanText(remark)}`;
    if (rejected > 0) {
      this.hasLostBeside = true;
      this.lost(rejected, `not all are taken${words}`);
      return;
    }
    const wasRemarked = this.isRemarked;
    this.isRemarked = remark !== undefined;
    if (this.isRemarked === wasRemarked) return;
    if (this.isRemarked) this.say("warn", `${this.signal} arrive at ${this.place} with a remark${words}`);
    else this.say("info", `${this.signal} arrive again at ${this.place} without a remark`);
  }

  /** A batch was given up. */
  failed(items: number, why: string): void {
    this.underWay -= items;
    this.lost(items, why);
  }

  /** A batch arrived. While others are lost beside it the outage is not over. */
  arrived(items: number): void {
    this.underWay -= items;
    if (!this.isOutage) return;
    if (this.hasLostBeside) {
      this.hasLostBeside = false;
      return;
    }
    this.isOutage = false;
    this.say("info", `${this.signal} arrive again at ${this.place}; ${this.lostItems()}`);
    this.lostInOutage = 0;
  }

  /** The last batches go out: an outage is kept for `conclude` to say. */
  close(): void {
    this.phase = "closing";
  }

  /** Nothing arrives any more: says in one line what was lost, what is still under way included. */
  conclude(): void {
    if (this.underWay > 0) this.lost(this.underWay, "no answer in time");
    if (this.isOutage) {
      this.say("warn", `${this.signal} did not arrive at ${this.place} to the end: ${this.why}; ${this.lostItems()}`);
    }
    this.phase = "over";
  }

  private lost(items: number, why: string): void {
    if (this.phase === "over") return;
    this.total += items;
    this.lostInOutage += items;
    if (this.isOutage) return;
    this.isOutage = true;
    this.why = why;
    if (this.phase === "closing") return;
    const dropped = itemsOf[this.signal];
    this.say("warn", `${this.signal} do not arrive at ${this.place}: ${why}; ${dropped} are dropped until they do`);
  }

  private say(level: Diagnostic["level"], message: string): void {
    if (this.phase !== "over") this.onDiagnostic({ level, message });
  }

  private lostItems(): string {
    return `${this.lostInOutage} ${itemsOf[this.signal]} were lost`;
  }
}

const itemsOf: Readonly<Record<Signal, string>> = {
  traces: "spans",
  metrics: "metric points",
  logs: "log records",
};
