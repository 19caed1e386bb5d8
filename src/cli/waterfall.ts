import type { RecordedSpan } from "../agent/once.js";
import type { Paint } from "./terminal.js";

export interface WaterfallLayout {
  readonly paint: Paint;
  /** Characters that the whole trace's time is drawn on. */
  readonly barWidth?: number;
}

const defaultBarWidth = 40;
const indent = "  ";

interface Row {
  readonly span: RecordedSpan;
  readonly depth: number;
}

/** One run's spans as a waterfall: who called whom, when and how long, with the attributes of each below it. */
export function renderWaterfall(spans: readonly RecordedSpan[], layout: WaterfallLayout): string {
  const rows = inTreeOrder(spans);
  const first = rows[0];
  if (!first) return "";
  const { paint, barWidth = defaultBarWidth } = layout;
  const scale = { startMs: first.span.startMs, durationMs: first.span.durationMs, barWidth };
  const nameWidth = Math.max(...rows.map(({ span, depth }) => indent.length * depth + span.name.length));
  const lines = rows.flatMap(({ span, depth }) => {
    const name = (indent.repeat(depth) + span.name).padEnd(nameWidth);
    const bar = paint(span.isError ? "red" : "green", barOf(span, scale));
    const attributes = describe(span.attributes).map((text) => paint("dim", `${indent.repeat(depth + 1)}${text}`));
    return [
      `${paint("bold", name)}  ${bar}  ${formatMs(span.durationMs)}${span.isError ? paint("red", "  ERROR") : ""}`,
      ...attributes,
    ];
  });
  return `${paint("dim", `trace ${first.span.traceId}`)}\n${lines.join("\n")}\n`;
}

function inTreeOrder(spans: readonly RecordedSpan[]): readonly Row[] {
  const ids = new Set(spans.map((span) => span.spanId));
  const byParent = new Map<string | undefined, RecordedSpan[]>();
  for (const span of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const parent = span.parentSpanId !== undefined && ids.has(span.parentSpanId) ? span.parentSpanId : undefined;
    byParent.set(parent, [...(byParent.get(parent) ?? []), span]);
  }
  const below = (parent: string | undefined, depth: number): readonly Row[] =>
    (byParent.get(parent) ?? []).flatMap((span) => [{ span, depth }, ...below(span.spanId, depth + 1)]);
  return below(undefined, 0);
}

function barOf(
  span: RecordedSpan,
  scale: { readonly startMs: number; readonly durationMs: number; readonly barWidth: number },
): string {
  const total = Math.max(scale.durationMs, Number.EPSILON);
  const column = (ms: number): number =>
    Math.min(Math.max(Math.round((ms / total) * scale.barWidth), 0), scale.barWidth);
  const start = Math.min(column(span.startMs - scale.startMs), scale.barWidth - 1);
  const end = Math.max(column(span.startMs - scale.startMs + span.durationMs), start + 1);
  return "·".repeat(start) + "█".repeat(end - start) + "·".repeat(scale.barWidth - end);
}

function describe(attributes: RecordedSpan["attributes"]): readonly string[] {
  return Object.entries(attributes).map(
    ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
}

/** `0.42 ms`, `12.3 ms`, `1.25 s`. */
export function formatMs(milliseconds: number): string {
  if (milliseconds >= 1_000) return `${(milliseconds / 1_000).toFixed(2)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`;
}
