import { describe, expect, it } from "vitest";
import { judge, windowsOf } from "./judge.js";
import type { Sample } from "./series.js";
import { randomOf } from "./shuffle.js";
import { verdictTable } from "./table.js";

const minutes = 10;
const random = randomOf(3);

/** One a second. */
const samplesOf = (valuesAt: (atSeconds: number) => Sample["values"]): readonly Sample[] =>
  Array.from({ length: minutes * 60 }, (_, atSeconds) => ({ atSeconds, values: valuesAt(atSeconds) }));
const rising = (valuesAt: (atSeconds: number) => Sample["values"]) =>
  judge(samplesOf(valuesAt)).flatMap(({ name, isRising }) => (isRising ? [name] : []));

/** A heap as it is: it fills up with waste, and is collected every 17 s. */
const sawtooth = (atSeconds: number) => 30 + (atSeconds % 17) + random() * 0.2;

describe("a soak", () => {
  it("is flat while nothing grows, however much waste there is between two collections", () => {
    expect(rising((at) => ({ rss: 120 + random(), heap: sawtooth(at), files: 40 + Math.floor(9 * random()) }))).toEqual(
      [],
    );
  });

  it("is flat when something grew while it was warming up", () => {
    expect(rising((at) => ({ heap: 30 + Math.min(at, 190) / 10, threads: at < 60 ? 7 : 11 }))).toEqual([]);
  });

  it("is not when the least of each window grows, be it slower than waste comes and goes", () => {
    expect(rising((at) => ({ heap: sawtooth(at) + at / 150 }))).toEqual(["heap"]);
    expect(rising((at) => ({ files: 40 + Math.floor(9 * random()) + Math.floor(at / 40) }))).toEqual(["files"]);
  });

  it("is flat below what a series is counted in", () => {
    expect(rising((at) => ({ files: at < 400 ? 40 : 41, rss: 100 + at / 400 }))).toEqual([]);
  });

  it("is not when runs are missed more and more often", () => {
    expect(rising((at) => ({ missed: (at / 60) ** 2 }))).toEqual(["missed"]);
    expect(rising((at) => ({ missed: at / 10 }))).toEqual([]);
  });

  it("counts anew where a counter begins anew", () => {
    const values = [10, 12, 1, 2];
    const samples = values.map((orphaned, atSeconds) => ({ atSeconds, values: { orphaned } }));
    const points = windowsOf(samples, "orphaned", { beginSeconds: 0, endSeconds: 3 });
    expect(points.map(({ y }) => y)).toEqual([0, 2, 0, 1]);
  });

  it("that is too short, or too restless, to tell says so", () => {
    const restless = (at: number) => 40 + 60 * Math.sin(at / 100);
    const table = verdictTable(
      judge(samplesOf((at) => ({ files: restless(at), ...(at % 200 === 0 && { heap: 30 }) }))),
    );
    expect(table).toMatch(/heap in use.*\| too short to tell \|\n.*open files.*\| too short to tell \|/);
  });

  it("says what it saw, and what it would have seen", () => {
    const table = verdictTable(judge(samplesOf((at) => ({ threads: 11, files: 40 + at / 6, heap: 1 }))));
    expect(table).toContain("| threads | 11.0 | 11.0 | 0.0 | 0.0 | 10.0 | flat |");
    expect(table).toMatch(/\| open files and sockets \|.* 601\.0 \|.*\| RISES \|/);
  });
});
