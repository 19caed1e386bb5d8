import { quantile } from "../../bench/machine/summary.js";

/** What the agent held, and how it fared, at one moment. */
export interface Sample {
  /** Since the soak began, in seconds. */
  readonly atSeconds: number;
  readonly values: Readonly<Partial<Record<SeriesName, number>>>;
}

export interface Series {
  readonly title: string;
  readonly digits: number;
  /** What stands for a window of samples. Of what is freed in heaps now and then the least counts: the rest is waste. */
  readonly of: (values: readonly number[]) => number;
  /** The values only ever rise, and what counts is by how much within a window. */
  readonly isCounter?: boolean;
  /**
   * What a series may rise by, over all that is judged, and still be called flat: what the thing is counted in, or what
   * compilers and caches still add when no run leaks; of lines, those of three checks: a failure of a sort that a check
   * has not had before adds some.
   */
  readonly resolution: number;
}

const least = (values: readonly number[]): number => Math.min(...values);
const middle = (values: readonly number[]): number => quantile(values, 0.5);

export const series = {
  rss: { title: "RSS, MB", digits: 1, of: least, resolution: 3 },
  heap: { title: "heap in use, MB", digits: 2, of: least, resolution: 0.75 },
  external: { title: "buffers outside of the heap, MB", digits: 2, of: least, resolution: 0.5 },
  files: { title: "open files and sockets", digits: 1, of: least, resolution: 2 },
  handles: { title: "handles of the event loop", digits: 1, of: least, resolution: 2 },
  threads: { title: "threads", digits: 1, of: least, resolution: 1 },
  lines: { title: "lines of /metrics", digits: 0, of: least, resolution: 200 },
  delay: { title: "event-loop delay p99, ms", digits: 1, of: middle, resolution: 2 },
  missed: { title: "missed runs a window", digits: 1, of: least, isCounter: true, resolution: 2 },
  orphaned: { title: "orphaned runs a window", digits: 1, of: least, isCounter: true, resolution: 2 },
} as const satisfies Readonly<Record<string, Series>>;

export type SeriesName = keyof typeof series;
export const seriesNames = Object.keys(series) as readonly SeriesName[];
