import { quantile } from "./summary.js";

/** Checks that share a prefix of their keys and an interval, and the time in which they are looked at. */
export interface Question {
  readonly prefix: string;
  readonly checks: number;
  readonly intervalMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** By how much the gaps between a check's runs missed the interval, and what did not come. */
export interface Seen {
  readonly count: number;
  readonly missed: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** When each check's probes came, by a key that says which check it was. */
export class Arrivals {
  private readonly byKey = new Map<string, number[]>();

  note(key: string, atMs: number): void {
    const times = this.byKey.get(key);
    if (times) times.push(atMs);
    else this.byKey.set(key, [atMs]);
  }

  seen({ prefix, checks, intervalMs, fromMs, toMs }: Question): Seen {
    const errors: number[] = [];
    const expected = Math.floor((toMs - fromMs) / intervalMs);
    const asked = [...this.byKey].filter(([key]) => key.startsWith(prefix));
    let count = 0;
    let missed = Math.max(0, checks - asked.length) * expected;
    for (const [, all] of asked) {
      const times = within(all, fromMs, toMs);
      count += times.length;
      missed += Math.max(0, expected - times.length);
      times.slice(1).forEach((time, index) => {
        errors.push(Math.abs(time - (times[index] ?? time) - intervalMs));
      });
    }
    const at = (share: number): number => quantile(errors, share);
    return { count, missed, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }

  /** The most that came within any `widthMs`, for a while from the first one on that came after `fromMs`. */
  burst(fromMs: number, forMs: number, widthMs: number): number {
    const later = within([...this.byKey.values()].flat(), fromMs, Number.POSITIVE_INFINITY).sort((a, b) => a - b);
    const times = within(later, fromMs, (later[0] ?? fromMs) + forMs);
    let first = 0;
    let most = 0;
    times.forEach((time, index) => {
      while (time - (times[first] ?? time) > widthMs) first += 1;
      most = Math.max(most, index - first + 1);
    });
    return most;
  }
}

function within(times: readonly number[], fromMs: number, toMs: number): number[] {
  return times.filter((time) => time >= fromMs && time < toMs);
}
