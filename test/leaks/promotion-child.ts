/**
 * Run by the leak suite in a process of its own, with `--expose-gc` and room for the old generation: how many bytes the
 * engine's part of a run leaves behind after young collections. Each is copied twice and lies there until a major
 * collection, though no run takes that long: in Node 20 an `AbortSignal`, an accessor in an object literal or a map that
 * entries come to and go from all the time each cost kilobytes. Prints the number; with `keep` as argument each run
 * leaves something on purpose.
 */
import { constants, PerformanceObserver } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-node";
import { type CheckRun, createPolicy, type Outcome } from "../../src/check.js";
import { systemClock } from "../../src/engine/clock.js";
import { Engine } from "../../src/engine/engine.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { cancellationOf } from "../../src/wire/abortable.js";

const checkCount = 50;
const warmUpRuns = 20_000;
const measuredRuns = 50_000;
/** Kept for some young collections, and let go of then. */
const keptRuns = 10_000;

const isKeeping = process.argv[2] === "keep";
const kept: unknown[] = [];
let begun = 0;

const ignore = (): void => {};

async function run(checkRun: CheckRun): Promise<Outcome> {
  const cancellation = cancellationOf(checkRun);
  if (isKeeping) kept[begun % keptRuns] = Array.from({ length: 100 }, () => begun);
  begun += 1;
  cancellation.addEventListener("abort", ignore);
  await delay(1);
  cancellation.removeEventListener("abort", ignore);
  return { status: "healthy", facts: { status_code: 200, connect_ms: begun % 10 } };
}

const engine = new Engine({
  clock: systemClock,
  instance: "promotion",
  concurrency: { max: checkCount, perKind: {} },
  tracing: {
    tracer: new BasicTracerProvider().getTracer("promotion"),
    successRatio: 1,
    hasPhaseSpans: false,
    propagates: true,
    scrub: (text) => text,
  },
  sink: new CheckCounts(),
  onChange: () => {},
  onNews: () => {},
});
const names = Array.from({ length: checkCount }, (_, index) => `check-${index}`);
for (const name of names) {
  const policy = createPolicy(name, { kind: "scripted", defaults: { intervalMs: 1_000, timeoutMs: 900 } });
  engine.add({ identity: { policy, facts: {}, hasOpenFacts: true }, check: { run }, isResources: false });
}

async function runMany(runs: number): Promise<void> {
  const end = begun + runs;
  await Promise.all(
    names.map(async (name) => {
      while (begun < end) await engine.runOnce(name);
    }),
  );
}

let majorCollections = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries() as unknown as { detail: { kind: number } }[]) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) majorCollections += 1;
  }
}).observe({ entryTypes: ["gc"] });

const oldBytes = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name: name }) => /^(old|map|large_object)_space/.test(name))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);

await runMany(warmUpRuns);
globalThis.gc?.();
await delay(50);
const [before, collectionsBefore] = [oldBytes(), majorCollections];
await runMany(measuredRuns);
await delay(50);
if (majorCollections > collectionsBefore) throw new Error("a major collection has taken away what was to be counted");
console.log(Math.round((oldBytes() - before) / measuredRuns));
await engine.stop(100);
