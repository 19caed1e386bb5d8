import { cpus, loadavg, release, totalmem } from "node:os";

/** What figures have to be read with. */
export interface Conditions {
  readonly at: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
}

export function conditionsNow(): Conditions {
  return {
    at: new Date().toISOString(),
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.versions.node,
  };
}

/** Processes that ran or wanted to, mean of the last minute. */
export const loadNow = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

export function conditionsText({ at, cores, cpu, memoryGb, kernel, node }: Conditions): string {
  return `${at.slice(0, 10)}, ${cores} cores (${cpu}), ${memoryGb} GB, Linux ${kernel}, Node ${node}`;
}
