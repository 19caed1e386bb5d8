import { readdirSync, readFileSync } from "node:fs";

// What Linux tells programs, whatever its own tick is (`man 5 proc`); pages of the architectures that we run on.
const ticksPerSecond = 100;
const pageBytes = 4_096;

export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

interface Stat extends Usage {
  readonly pid: number;
  readonly parent: number;
}

/** CPU and resident memory, by the kernel, of these processes and all their children, those that have ended included. */
export function usageOf(pids: readonly number[]): Usage {
  const all = readdirSync("/proc")
    .filter(isPid)
    .map(statOf)
    .filter((stat) => stat !== undefined);
  const family = new Set(pids);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  const members = all.filter(({ pid }) => family.has(pid));
  return {
    cpuSeconds: members.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    rssBytes: members.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}

/**
 * Seconds that all cores of the machine together have not been idle, for differences alone: they count from any moment. By
 * the time they were idle, which the kernel measures; what each was busy with it only samples at its ticks, where programs
 * that wake up by a timer are seen too often. Time that a hypervisor gave to others counts as theirs.
 */
export function machineCpuSeconds(): number {
  const [all, ...others] = readFileSync("/proc/stat", "latin1").split("\n");
  const [idle, waiting] = all?.split(/ +/).slice(4, 6).map(Number) ?? [];
  const cores = others.filter((line) => line.startsWith("cpu")).length;
  return (cores * performance.now()) / 1_000 - ((idle ?? 0) + (waiting ?? 0)) / ticksPerSecond;
}

const isPid = (name: string): boolean => /^\d+$/.test(name);

/** Undefined of a process that has just gone. */
function statOf(pid: string): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

/** One line of `/proc/<pid>/stat`. Its second field is the program's name, blanks and brackets included. */
export function parseStat(line: string): Stat {
  const fields = line
    .slice(line.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const at = (index: number): number => fields[index] ?? 0;
  // Fields 14 to 17 of the manual: user and system time, its own and that of children it has waited for.
  const ticks = at(11) + at(12) + at(13) + at(14);
  return {
    pid: Number.parseInt(line, 10),
    parent: at(1),
    cpuSeconds: ticks / ticksPerSecond,
    rssBytes: at(21) * pageBytes,
  };
}
