import { CheckCounts } from "../../src/signals/counts.js";
import type { CheckIdentity } from "../../src/signals/record.js";
import { startTelemetry } from "../../src/telemetry/providers.js";
import { median } from "../machine/summary.js";
import type { Figures } from "../side-by-side/figures.js";
import { checkCount, facts, httpCheck } from "./checks.js";

const scrapes = 50;
/** The first ones compile. */
const warmUp = 5;

/** How long a scrape of `/metrics` holds the event loop, and takes as a whole: checks with all their facts and a failure each. */
export async function measure(): Promise<Figures> {
  const counts = new CheckCounts();
  for (let index = 0; index < checkCount; index += 1) fill(counts, httpCheck(index));
  const settings = { disabled: false, diagnostics: "warn", resource: { "service.name": "bench" } } as const;
  const telemetry = await startTelemetry(settings, { counts, onDiagnostic: () => {} });
  const scrape = async (): Promise<void> => {
    for await (const _ of (await telemetry.metrics.render("text/plain")).pieces);
  };
  const holds: number[] = [];
  const totals: number[] = [];
  for (let round = -warmUp; round < scrapes; round += 1) {
    const startMs = performance.now();
    const hold = await longestHold(scrape);
    if (round < 0) continue;
    holds.push(hold);
    totals.push(performance.now() - startMs);
  }
  await telemetry.shutdown(100);
  return { holdMs: median(holds), scrapeMs: median(totals) };
}

function fill(counts: CheckCounts, check: CheckIdentity): void {
  counts.checkAdded(check, "unknown");
  const result = { check, facts, atMs: Date.now(), durationMs: 20, lastSuccessMs: Date.now() };
  counts.run({ ...result, outcome: "unhealthy", reason: "timeout", previousStatus: "unknown", status: "unhealthy" });
  counts.run({ ...result, outcome: "healthy", previousStatus: "unhealthy", status: "healthy" });
}

/** Longest gap between two turns of the loop while `work` goes on, milliseconds. */
async function longestHold(work: () => Promise<void>): Promise<number> {
  let isDone = false;
  let longest = 0;
  let last = performance.now();
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isDone = true;
  return longest;
}
