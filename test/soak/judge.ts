import { type Sample, type Series, type SeriesName, series, seriesNames } from "./series.js";
import { type Point, slopeOf } from "./slope.js";

/**
 * Ahead of this share of a soak compilers, pools and caches still settle, and every fault comes for the first time: once
 * through all of them takes a bit more than three minutes.
 */
export const warmUpShare = 0.4;
/** What is left is judged in so many windows: enough to tell a slope, each long enough for a collection of the heap. */
const windows = 20;

export interface Verdict {
  readonly name: SeriesName;
  /** Of the first and the last quarter of the windows, the mean. */
  readonly from: number;
  readonly to: number;
  /** An hour; absent where there are too few values. */
  readonly slope?: { readonly perHour: number; readonly errorPerHour: number };
  /** The least rise an hour that this soak would have called one. */
  readonly seesPerHour?: number;
  readonly isRising: boolean;
  /** Only a rise that doubles the series while it is judged would have been seen: that it is flat says nothing. */
  readonly isBlind: boolean;
}

/** A verdict for each series that there are values of. A series rises if its slope, less its error, passes the resolution. */
export function judge(samples: readonly Sample[]): readonly Verdict[] {
  const endSeconds = samples.at(-1)?.atSeconds ?? 0;
  const beginSeconds = endSeconds * warmUpShare;
  const judged = samples.filter(({ atSeconds }) => atSeconds >= beginSeconds);
  const hours = (endSeconds - beginSeconds) / 3_600;
  return seriesNames.flatMap((name) => {
    const points = windowsOf(judged, name, { beginSeconds, endSeconds });
    return points.length === 0 ? [] : [verdictOf(name, points, hours)];
  });
}

function verdictOf(name: SeriesName, points: readonly Point[], hours: number): Verdict {
  const quarter = Math.ceil(points.length / 4);
  const from = meanOf(points.slice(0, quarter));
  const to = meanOf(points.slice(-quarter));
  const slope = slopeOf(points);
  if (!slope) return { name, from, to, isRising: false, isBlind: true };
  const { resolution } = series[name];
  const sees = slope.limit * hours + resolution;
  return {
    name,
    from,
    to,
    slope: { perHour: slope.perUnit, errorPerHour: slope.error },
    seesPerHour: sees / hours,
    isRising: (slope.perUnit - slope.limit) * hours > resolution,
    isBlind: sees > Math.max(from, 5 * resolution),
  };
}

interface Span {
  readonly beginSeconds: number;
  readonly endSeconds: number;
}

/** One point for each window that has values, at its middle; times are hours. */
export function windowsOf(
  samples: readonly Sample[],
  name: SeriesName,
  { beginSeconds, endSeconds }: Span,
): readonly Point[] {
  const widthSeconds = (endSeconds - beginSeconds) / windows;
  const one: Series = series[name];
  const parts: number[][] = Array.from({ length: windows }, () => []);
  let before: number | undefined;
  for (const { atSeconds, values } of samples) {
    const value = values[name];
    if (value === undefined) continue;
    const index = Math.min(windows - 1, Math.floor((atSeconds - beginSeconds) / widthSeconds));
    // A check that a reload changes counts from zero again.
    parts[index]?.push(one.isCounter ? Math.max(0, value - (before ?? value)) : value);
    before = value;
  }
  return parts.flatMap((part, index) => {
    if (part.length === 0) return [];
    const y = one.isCounter ? part.reduce((sum, value) => sum + value, 0) : one.of(part);
    return [{ x: (beginSeconds + (index + 0.5) * widthSeconds) / 3_600, y }];
  });
}

const meanOf = (points: readonly Point[]): number => points.reduce((sum, { y }) => sum + y, 0) / points.length;
