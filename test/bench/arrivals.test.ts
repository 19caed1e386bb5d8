import { describe, expect, it } from "vitest";
import { Arrivals } from "../../bench/machine/arrivals.js";

const window = { prefix: "/c/", checks: 1, intervalMs: 1_000, fromMs: 0, toMs: 10_500 };

function arrivalsOf(times: Readonly<Record<string, readonly number[]>>): Arrivals {
  const arrivals = new Arrivals();
  for (const [key, all] of Object.entries(times)) for (const time of all) arrivals.note(key, time);
  return arrivals;
}

describe("what the neutral target saw", () => {
  it("counts as error by how much a gap missed the interval, early or late", () => {
    const arrivals = arrivalsOf({ "/c/0": [0, 1_000, 2_004, 2_998, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000] });
    expect(arrivals.seen(window)).toEqual({ count: 11, missed: 0, p50: 0, p95: 6, p99: 6, max: 6 });
  });

  it("counts a run that did not come, and every run of a check that never came", () => {
    const arrivals = arrivalsOf({ "/c/0": [0, 1_000, 2_000, 3_000, 4_000, 6_000, 7_000, 8_000, 9_000] });
    expect(arrivals.seen(window)).toMatchObject({ missed: 1, max: 1_000 });
    expect(arrivals.seen({ ...window, checks: 3 })).toMatchObject({ missed: 1 + 2 * 10 });
  });

  it("looks at the checks of one load, and at nothing before or after the window", () => {
    const arrivals = arrivalsOf({ "/c/0": [-500, 400, 1_400, 10_500], "/hang/0": [50] });
    expect(arrivals.seen(window)).toMatchObject({ count: 2, max: 0 });
    expect(arrivals.seen({ ...window, prefix: "/hang/" })).toMatchObject({ count: 1, missed: 9 });
  });

  it("has no error where nothing came twice", () => {
    expect(arrivalsOf({ "/c/0": [5] }).seen(window).p99).toBeNaN();
  });
});

describe("a burst", () => {
  const arrivals = arrivalsOf({ a: [0, 9, 100, 200], b: [10, 108], c: [11, 105, 111] });

  it("is the most that came within any such time, whichever checks they belong to", () => {
    expect(arrivals.burst(0, 1_000, 10)).toBe(3);
    expect(arrivals.burst(0, 1_000, 11)).toBe(4);
  });

  it("is looked for during a while from the first arrival after a time", () => {
    expect(arrivals.burst(50, 4, 10)).toBe(1);
    expect(arrivals.burst(50, 6, 10)).toBe(2);
    expect(arrivals.burst(150, 1_000, 10)).toBe(1);
    expect(arrivals.burst(500, 1_000, 10)).toBe(0);
  });
});
