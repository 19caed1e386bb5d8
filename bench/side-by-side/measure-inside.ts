import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { loadNow } from "../machine/conditions.js";
import { isInterrupted, stopProcess } from "../machine/interruption.js";
import { coresOf } from "./cores.js";
import type { Figures } from "./figures.js";
import type { Measured } from "./measure-load.js";
import type { System } from "./systems/system.js";

const program = fileURLToPath(new URL("../micro/main.ts", import.meta.url));

/** The micro-benchmarks, in processes on the measured core. They need our sources, so it is this checkout's that are measured. */
export async function measureInside(system: System): Promise<Measured> {
  if (system.node === undefined) return { cannot: "only its own code knows" };
  const words = ["-c", coresOf(1), system.node, "--import", "tsx", program, "--json"];
  const child = spawn("taskset", words, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    if (code !== 0) throw new Error(isInterrupted() ? "interrupted" : `the micro-benchmarks ended with ${code}`);
    return { cores: 1, load: loadNow(), figures: JSON.parse(said) as Figures };
  } finally {
    await stopProcess(child);
  }
}
