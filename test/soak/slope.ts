/** A value at a time; the slope is in units of `y` for each unit of `x`. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  readonly perUnit: number;
  /** Its standard error, widened for values that follow their neighbours. */
  readonly error: number;
  /** Below this share of 1 in 1,000 tries a slope that is none looks as steep as `perUnit − limit`. */
  readonly limit: number;
}

/**
 * One-sided quantiles of Student's t at 99.9 %, by degrees of freedom: of ten series that are flat, one soak in a
 * hundred calls one of them rising.
 */
const quantiles = [
  [1, 318.3],
  [2, 22.33],
  [3, 10.21],
  [4, 7.173],
  [5, 5.893],
  [6, 5.208],
  [7, 4.785],
  [8, 4.501],
  [9, 4.297],
  [10, 4.144],
  [12, 3.93],
  [15, 3.733],
  [20, 3.552],
  [30, 3.385],
  [60, 3.232],
  [1_000, 3.098],
] as const;

/** Of fewer values nothing is said. */
export const fewestPoints = 6;

/**
 * Least squares. Neighbours in a series of a process are alike, so that n values tell less than n: the error and its
 * degrees of freedom are those of n (1 − r) / (1 + r) values, r being how alike the residuals of neighbours are. See
 * Santer et al. 2000, https://doi.org/10.1029/1999JD901105. Points are in the order of their times.
 */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  const n = points.length;
  if (n < fewestPoints) return undefined;
  const middle = { x: mean(points.map(({ x }) => x)), y: mean(points.map(({ y }) => y)) };
  const spread = sum(points.map(({ x }) => (x - middle.x) ** 2));
  if (spread === 0) return undefined;
  const perUnit = sum(points.map(({ x, y }) => (x - middle.x) * (y - middle.y))) / spread;
  const residuals = points.map(({ x, y }) => y - middle.y - perUnit * (x - middle.x));
  const independent = independentOf(residuals);
  const squares = sum(residuals.map((residual) => residual ** 2));
  const error = Math.sqrt(squares / (independent - 2) / spread);
  return { perUnit, error, limit: error * quantileFor(independent - 2) };
}

/** As how many values that know nothing of each other these count: at most as many as there are, at least three. */
function independentOf(residuals: readonly number[]): number {
  const n = residuals.length;
  const alike = likenessOf(residuals);
  return Math.max(3, Math.min(n, (n * (1 - alike)) / (1 + alike)));
}

/**
 * Correlation of neighbours. Of a short series with a trend taken out it comes out too low, by (1 + 4 r) / n in the mean
 * (Kendall 1954): that is given back.
 */
function likenessOf(residuals: readonly number[]): number {
  const squares = sum(residuals.map((residual) => residual ** 2));
  if (squares === 0) return 0;
  const products = residuals.slice(1).map((residual, index) => residual * (residuals[index] ?? 0));
  const found = sum(products) / squares;
  return Math.max(0, Math.min(0.99, found + (1 + 4 * found) / residuals.length));
}

/** Of the largest number of degrees in the table that is not above these: never too small. */
function quantileFor(degrees: number): number {
  return quantiles.findLast(([from]) => from <= degrees)?.[1] ?? quantiles[0][1];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
