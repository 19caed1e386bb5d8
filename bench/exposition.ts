/**
 * How long a scrape of `/metrics` holds the event loop, and takes as a whole: `npx tsx bench/exposition.ts [checks] [scrapes]`.
 * HTTP checks with all their facts and one failure each, in this process, no network.
 */
import { loadavg } from "node:os";
import { createPolicy } from "../src/check.js";
import { httpKind } from "../src/kinds/http.js";
import { CheckCounts } from "../src/signals/counts.js";
import { startTelemetry } from "../src/telemetry/providers.js";

const checks = Number(process.argv[2] ?? 1_000);
const scrapes = Number(process.argv[3] ?? 50);
const facts = {
  status_code: 200,
  dns_ms: 1.5,
  connect_ms: 0.8,
  tls_ms: 4.2,
  ttfb_ms: 12.25,
  body_bytes: 512,
  http_version: "1.1",
  certificate_days_left: 61,
};

function fill(counts: CheckCounts): void {
  for (let index = 0; index < checks; index++) {
    const policy = createPolicy(`check-${String(index).padStart(5, "0")}`, httpKind, { labels: { team: "core" } });
    const check = { policy, facts: httpKind.facts, hasOpenFacts: false };
    counts.checkAdded(check, "unknown");
    const result = { check, facts, atMs: Date.now(), durationMs: 20, lastSuccessMs: Date.now() };
    counts.run({ ...result, outcome: "unhealthy", reason: "timeout", previousStatus: "unknown", status: "unhealthy" });
    counts.run({ ...result, outcome: "healthy", previousStatus: "unhealthy", status: "healthy" });
  }
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

const counts = new CheckCounts();
fill(counts);
const settings = { disabled: false, diagnostics: "warn", resource: { "service.name": "bench" } } as const;
const telemetry = await startTelemetry(settings, { counts, onDiagnostic: () => {} });

let bytes = 0;
let lines = 0;
async function scrape(): Promise<void> {
  bytes = 0;
  lines = 0;
  const { pieces } = await telemetry.metrics.render("text/plain");
  for await (const piece of pieces) {
    bytes += piece.length;
    lines += String(piece).split("\n").length - 1;
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const holds: number[] = [];
const totals: number[] = [];
const loadBefore = loadavg()[0];
for (let round = 0; round < scrapes + 5; round++) {
  const startMs = performance.now();
  const hold = await longestHold(scrape);
  if (round < 5) continue; // the first ones compile
  holds.push(hold);
  totals.push(performance.now() - startMs);
}
await telemetry.shutdown(100);
console.log(
  `${checks} checks, ${lines} lines, ${(bytes / 1e6).toFixed(2)} MB, Node ${process.version}, load ${loadBefore}`,
);
console.log(`longest hold of the loop ms: median ${median(holds).toFixed(2)}, max ${Math.max(...holds).toFixed(2)}`);
console.log(`whole scrape ms:             median ${median(totals).toFixed(1)}, max ${Math.max(...totals).toFixed(1)}`);
