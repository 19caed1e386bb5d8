import { describe, expect, it } from "vitest";
import type { DependencyReport, Report } from "../../src/agent/once.js";
import { renderChecks, renderVerdict } from "../../src/cli/check-table.js";
import { plain } from "../../src/cli/terminal.js";

const pipe = { paint: plain, columns: Number.POSITIVE_INFINITY };

function found(more: Partial<DependencyReport>): string {
  const entry = { kind: "http", status: "healthy", duration_ms: 4, error: null, reason: null, metadata: {}, ...more };
  const report = { dependencies: { web: entry as DependencyReport } } as unknown as Report;
  return renderChecks(report, pipe).split("\n")[1] ?? "";
}

describe("the table of checks", () => {
  it("shows the reason and the message of what is not healthy", () => {
    expect(found({ status: "unhealthy", reason: "refused", error: "connection refused" })).toBe(
      "web    http  unhealthy  4 ms  refused: connection refused",
    );
  });

  it("shows the first facts of what is healthy, numbers rounded and lists shortened", () => {
    const metadata = { ttfb_ms: 1.23456, name: "x", answers: ["a", "b"], collections: [{ name: "c" }], more: 1 };
    expect(found({ metadata })).toBe(
      "web    http  healthy  4 ms  ttfb_ms 1.23, name x, answers a b, collections 1 items, …",
    );
  });

  it("shows no time for a check that has not run", () => {
    expect(found({ status: "unknown", duration_ms: null })).toMatch(/unknown +-$/);
  });
});

describe("the verdict", () => {
  it("is one line of the terminal, however many checks it names", () => {
    const message = `Running in degraded mode: ${Array.from({ length: 200 }, (_, index) => `check-${index}`).join(", ")}`;
    const line = renderVerdict("degraded", message, { paint: plain, columns: 60 });
    expect(line).toHaveLength(61);
    expect(line).toMatch(/^degraded: Running in degraded mode: check-0, .*…\n$/);
    expect(renderVerdict("degraded", message, pipe)).toContain("check-199\n");
  });

  it("is the status alone where there is no more to say", () => {
    expect(renderVerdict("healthy", "", pipe)).toBe("healthy\n");
  });
});
