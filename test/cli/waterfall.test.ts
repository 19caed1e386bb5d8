import { describe, expect, it } from "vitest";
import type { RecordedSpan } from "../../src/agent/once.js";
import { plain } from "../../src/cli/terminal.js";
import { formatMs, renderWaterfall } from "../../src/cli/waterfall.js";

const span = (name: string, spanId: string, more: Partial<RecordedSpan> = {}): RecordedSpan => ({
  name,
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId,
  parentSpanId: undefined,
  startMs: 1_000,
  durationMs: 100,
  isError: false,
  attributes: {},
  ...more,
});

const layout = { paint: plain, barWidth: 10 };

describe("a waterfall", () => {
  it("draws children below their parents, each where its time lies", () => {
    const spans = [
      span("ttfb", "4", { parentSpanId: "2", startMs: 1_050, durationMs: 50 }),
      span("dns", "3", { parentSpanId: "2", startMs: 1_000, durationMs: 20 }),
      span("GET", "2", { parentSpanId: "1" }),
      span("health.check api", "1"),
    ];
    expect(renderWaterfall(spans, layout)).toBe(
      [
        "trace 0af7651916cd43dd8448eb211c80319c",
        "health.check api  ██████████  100.0 ms",
        "  GET             ██████████  100.0 ms",
        "    dns           ██········  20.0 ms",
        "    ttfb          ·····█████  50.0 ms",
        "",
      ].join("\n"),
    );
  });

  it("marks what failed and lists attributes below their span", () => {
    const failed = span("health.check api", "1", { isError: true, attributes: { "error.type": "refused", n: 3 } });
    expect(renderWaterfall([failed], layout)).toBe(
      [
        "trace 0af7651916cd43dd8448eb211c80319c",
        "health.check api  ██████████  100.0 ms  ERROR",
        "  error.type: refused",
        "  n: 3",
        "",
      ].join("\n"),
    );
  });

  it("shows a span of no length, and one that outlives its parent, inside the frame", () => {
    const spans = [
      span("root", "1"),
      span("instant", "2", { parentSpanId: "1", startMs: 1_100, durationMs: 0 }),
      span("late", "3", { parentSpanId: "1", startMs: 1_090, durationMs: 500 }),
    ];
    const bars = renderWaterfall(spans, layout)
      .split("\n")
      .slice(1, -1)
      .map((line) => /[·█]+/.exec(line)?.[0]);
    expect(bars).toEqual(["██████████", "·········█", "·········█"]);
  });

  it("is empty without spans", () => {
    expect(renderWaterfall([], layout)).toBe("");
  });

  it("writes times as people read them", () => {
    expect([0.123, 9.5, 12.34, 1_250].map(formatMs)).toEqual(["0.12 ms", "9.50 ms", "12.3 ms", "1.25 s"]);
  });
});
