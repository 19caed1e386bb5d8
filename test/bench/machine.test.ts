import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { parseStat, usageOf } from "../../bench/machine/processes.js";
import { median, quantile, summary } from "../../bench/machine/summary.js";

describe("a summary", () => {
  it("has the middle of an odd number of values, and the mean of the middle two of an even number", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
    expect(median([])).toBeNaN();
  });

  it("sorts numbers as numbers", () => {
    expect(median([10, 9, 100])).toBe(10);
    expect(quantile([100, 9, 10], 1)).toBe(100);
  });

  it("gives the value below which a share lies", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([0, 50, 99, 99]);
  });

  it("shows a range only where there is more than one value", () => {
    expect(summary([2.04, 1, 3], 1)).toBe("2.0 (1.0–3.0)");
    expect(summary([2], 0)).toBe("2");
    expect(summary([], 0)).toBe("–");
  });
});

describe("what the kernel says of a process", () => {
  it("is read past a name with blanks and brackets, and has the time of children that have ended", () => {
    const line = "42 (a) b c) S 7 1 1 0 -1 0 0 0 0 0 150 50 30 20 20 0 1 0 99 1000000 25 0";
    expect(parseStat(line)).toEqual({ pid: 42, parent: 7, cpuSeconds: 2.5, rssBytes: 25 * 4_096 });
  });

  it.skipIf(process.platform !== "linux")("is summed over its children", async () => {
    const child = spawn("sleep", ["30"]);
    try {
      await once(child, "spawn");
      const alone = usageOf([child.pid ?? 0]);
      expect(alone.rssBytes).toBeGreaterThan(0);
      expect(usageOf([process.pid]).rssBytes).toBeGreaterThan(alone.rssBytes);
      expect(usageOf([process.pid, child.pid ?? 0]).rssBytes).toBeLessThan(2 * usageOf([process.pid]).rssBytes);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
