import type { Part, Stage } from "./part.js";
import { startTarget } from "./processes.js";

/** A TCP service whose port can be closed. */
export async function startTcpPart(stage: Stage): Promise<Part> {
  const target = await startTarget("tcp-target", stage);
  return {
    name: "queue",
    label: `a small TCP service of this demo, in a process of its own, on 127.0.0.1:${target.port}`,
    check: { kind: "tcp", address: `127.0.0.1:${target.port}` },
    faults: [
      {
        on: "queue has closed its port",
        off: "queue listens again",
        begin: () => target.tell("close"),
        end: () => target.tell("open"),
      },
    ],
    stop: () => target.stop(),
  };
}
