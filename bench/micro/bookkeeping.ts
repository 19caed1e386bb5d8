import { AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { systemClock } from "../../src/engine/clock.js";
import { Engine } from "../../src/engine/engine.js";
import { CheckCounts } from "../../src/signals/counts.js";
import type { Figures } from "../side-by-side/figures.js";
import { checkCount, facts, httpCheck } from "./checks.js";
import { microsecondsEach } from "./measured.js";

/**
 * Everything around a check's own work: start, deadline, slot, root span with the SDK's batch (thrown away instead of
 * encoded), judgement, record. The check itself answers at once.
 */
export async function measure(): Promise<Figures> {
  const nowhere = { export: (_: unknown, done: (result: { code: number }) => void) => done({ code: 0 }) };
  const exporter = { ...nowhere, shutdown: async () => {} };
  const provider = new BasicTracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const engine = new Engine({
    clock: systemClock,
    instance: "bench",
    concurrency: { max: 256, perKind: {} },
    tracing: {
      tracer: provider.getTracer("bench"),
      successRatio: 1,
      hasPhaseSpans: false,
      propagates: true,
      scrub: (text) => text,
    },
    sink: new CheckCounts(),
    onChange: () => {},
    onNews: () => {},
  });
  const check = { run: async () => ({ status: "healthy" as const, facts }), close: async () => {} };
  for (let index = 0; index < checkCount; index += 1) {
    engine.add({ identity: httpCheck(index), check, isResources: false });
  }
  let turn = 0;
  const bookkeepingUs = await microsecondsEach(() => {
    turn = (turn + 1) % checkCount;
    return engine.runOnce(`check-${String(turn).padStart(5, "0")}`);
  });
  await engine.stop(100);
  await provider.shutdown();
  return { bookkeepingUs };
}
