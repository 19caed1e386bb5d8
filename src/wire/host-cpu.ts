import { cpus } from "node:os";
import { readText } from "./read-text.js";

/** Processor time since some beginning; only differences mean anything. Both in one unit, whichever. */
export interface CpuTime {
  readonly used: number;
  /** What could have been used. */
  readonly capacity: number;
}

/** Of all processors of the machine, since it started. */
export async function readHostCpu(root: string): Promise<CpuTime> {
  return parseProcStat(await readText(root, "proc/stat")) ?? sumOfCpus();
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal; guest time is in user already. */
function parseProcStat(text: string | undefined): CpuTime | undefined {
  const ticks = /^cpu +([\d ]+)/
    .exec(text ?? "")?.[1]
    ?.split(" ", 8)
    .map(Number);
  if (ticks === undefined || ticks.length < 4) return undefined;
  const capacity = ticks.reduce((sum, tick) => sum + tick, 0);
  const [, , , idle = 0, waitingForDisk = 0] = ticks;
  return { used: capacity - idle - waitingForDisk, capacity };
}

function sumOfCpus(): CpuTime {
  let idle = 0;
  let capacity = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    capacity += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { used: capacity - idle, capacity };
}
