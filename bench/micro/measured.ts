import { median } from "../machine/summary.js";

const batchMs = 200;
const batches = 9;

/** Microseconds that one `work` takes: median of batches, after as much to warm up. */
export async function microsecondsEach(work: () => unknown): Promise<number> {
  const each: number[] = [];
  for (let batch = -batches; batch < batches; batch += 1) {
    const startMs = performance.now();
    let count = 0;
    let tookMs = 0;
    do {
      const result = work();
      if (result instanceof Promise) await result;
      count += 1;
      // Looking at the clock must not be what is measured.
      if (count % 16 === 0 || tookMs === 0) tookMs = performance.now() - startMs;
    } while (tookMs < batchMs / 2);
    tookMs = performance.now() - startMs;
    if (batch >= 0) each.push((1_000 * tookMs) / count);
  }
  return median(each);
}
