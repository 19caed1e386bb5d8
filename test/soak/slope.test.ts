import { describe, expect, it } from "vitest";
import { randomOf } from "./shuffle.js";
import { fewestPoints, type Point, slopeOf } from "./slope.js";

/** Values that follow their neighbours by this share, around a line that rises by `rise` a step. */
function seriesOf({ alike, rise, count = 20 }: { alike: number; rise: number; count?: number }, random: () => number) {
  const noise = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let off = noise() / Math.sqrt(1 - alike ** 2);
  return Array.from({ length: count }, (_, x): Point => {
    off = alike * off + noise();
    return { x, y: 100 + rise * x + off };
  });
}

/** In how many of 400 such series the slope is told from none. */
function timesSeen(shape: { alike: number; rise: number; count?: number }): number {
  const random = randomOf(1);
  const slopes = Array.from({ length: 400 }, () => slopeOf(seriesOf(shape, random)));
  return slopes.filter((slope) => slope && slope.perUnit > slope.limit).length;
}

describe("a slope", () => {
  it("is that of a line, without an error", () => {
    const slope = slopeOf([0, 1, 2, 3, 5, 8].map((x) => ({ x, y: 7 + 3 * x })));
    expect(slope?.perUnit).toBeCloseTo(3, 12);
    expect(slope?.error).toBeCloseTo(0, 9);
  });

  it("and its error are those of a textbook where neighbours are not alike", () => {
    // Neighbours on either side of the line: the residuals are 1, -1, -1, 1, 1, -1, -1, 1 around 2x.
    const points = [1, -1, -1, 1, 1, -1, -1, 1].map((off, x) => ({ x, y: 2 * x + off }));
    const slope = slopeOf(points);
    expect(slope?.perUnit).toBeCloseTo(2, 12);
    // Σ residual² = 8 over 6 degrees, Σ (x − 3.5)² = 42.
    expect(slope?.error).toBeCloseTo(Math.sqrt(8 / 6 / 42), 12);
    expect(slope?.limit).toBeCloseTo(5.208 * Math.sqrt(8 / 6 / 42), 12);
  });

  it("has a wider error where values follow their neighbours", () => {
    const [step, alternating] = [
      [1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1],
      [1, -1, -1, 1],
    ].map((offs) => slopeOf(Array.from({ length: 16 }, (_, x) => ({ x, y: offs[x % offs.length] ?? 0 }))));
    expect(step?.perUnit).toBeCloseTo(0, 12);
    expect(step?.error).toBeGreaterThan(2 * (alternating?.error ?? Number.NaN));
  });

  it("of too few values, or of one moment, is none", () => {
    const points = Array.from({ length: fewestPoints }, (_, x) => ({ x, y: x }));
    expect(slopeOf(points.slice(1))).toBeUndefined();
    expect(slopeOf(points.map(({ y }) => ({ x: 1, y })))).toBeUndefined();
  });

  it("is hardly ever seen where there is none, though neighbours are alike", () => {
    for (const alike of [0, 0.3, 0.6]) expect(timesSeen({ alike, rise: 0 }), `${alike}`).toBeLessThanOrEqual(8);
    // Of twenty values that hardly move from one to the next nobody can tell much.
    expect(timesSeen({ alike: 0.9, rise: 0 })).toBeLessThanOrEqual(20);
  });

  it("is seen where there is one", () => {
    expect(timesSeen({ alike: 0, rise: 0.3 })).toBeGreaterThan(360);
    expect(timesSeen({ alike: 0.5, rise: 0.5, count: 40 })).toBeGreaterThan(360);
  });
});
