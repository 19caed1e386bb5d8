import type { Part, Stage } from "./part.js";
import { startTarget } from "./processes.js";

/** A web service that can refuse, and be slow. */
export async function startHttpPart(stage: Stage): Promise<Part> {
  const target = await startTarget("http-target", stage);
  return {
    name: "api",
    label: `a small HTTP service of this demo, in a process of its own, on 127.0.0.1:${target.port}`,
    check: {
      kind: "http",
      critical: true,
      url: `http://127.0.0.1:${target.port}/status`,
      thresholds: { duration_ms: { degraded: { above: 250 } } },
    },
    faults: [
      {
        on: "api answers 503",
        off: "api answers 200 again",
        begin: () => target.tell("unavailable"),
        end: () => target.tell("well"),
      },
      {
        on: "api takes 400 ms to answer, its threshold is 250 ms",
        off: "api is fast again",
        begin: () => target.tell("slow"),
        end: () => target.tell("well"),
      },
    ],
    stop: () => target.stop(),
  };
}
