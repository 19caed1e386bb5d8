import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The measured system has the first core (or the first two); target, harness and servers have the last. */
const last = availableParallelism() - 1;
export const harnessCore = String(last);

/** As `taskset -c` takes it. */
export const coresOf = (count: number): string => (count === 1 ? "0" : `0-${count - 1}`);

/** Keeps us, and what we start from now on unless it is said otherwise, off the measured core. */
export function stayOffTheMeasuredCore(): void {
  if (last < 1) throw new Error("there is one core; measuring needs two, one of them for the measured system alone");
  execFileSync("taskset", ["-acp", harnessCore, String(process.pid)], { stdio: "ignore" });
}
