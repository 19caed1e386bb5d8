// Preloaded into the agent that is soaked: tells what can only be seen from inside a process. Once a second it replaces a
// file, by calls that leave nothing open; it forces no garbage collection, which would be another program than the shipped one.
import { renameSync, writeFileSync } from "node:fs";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";

const file = process.env.HEALTHSPAN_SOAK_WITNESS;
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

/** What is new may be waste already by the time that we are told of a collection. */
const oldBytes = () =>
  getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !name.startsWith("new_"))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
/** Heap in use, but for what is new, after each whole collection since the file was written last. */
let floors = [];
let collections = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) {
    if (detail.kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue;
    collections += 1;
    floors.push(oldBytes());
  }
}).observe({ entryTypes: ["gc"] });

function tell() {
  const { external } = process.memoryUsage();
  const seen = {
    floorBytes: floors.length > 0 ? Math.min(...floors) : null,
    collections,
    externalBytes: external,
    handles: process.getActiveResourcesInfo().length,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
  };
  floors = [];
  delay.reset();
  writeFileSync(`${file}.new`, JSON.stringify(seen));
  renameSync(`${file}.new`, file);
}

setInterval(tell, 1_000).unref();
