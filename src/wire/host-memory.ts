import { freemem, totalmem } from "node:os";
import { readText } from "./read-text.js";

export interface Memory {
  readonly totalBytes: number;
  /** What programs can still get without swapping, caches that can be dropped included. */
  readonly availableBytes: number;
}

/** Where `os.freemem` counts what can be reclaimed. Elsewhere (macOS, BSD) it is free pages only, and always near 0. */
const platformsWithAvailable: ReadonlySet<NodeJS.Platform> = new Set(["linux", "win32"]);

/** The machine's memory; undefined where the system does not tell how much is available. */
export async function readHostMemory(root: string, platform = process.platform): Promise<Memory | undefined> {
  const meminfo = await readText(root, "proc/meminfo");
  const totalBytes = kibibytesOf(meminfo, "MemTotal");
  const availableBytes = kibibytesOf(meminfo, "MemAvailable");
  if (totalBytes && availableBytes !== undefined) return { totalBytes, availableBytes };
  return platformsWithAvailable.has(platform) ? { totalBytes: totalmem(), availableBytes: freemem() } : undefined;
}

function kibibytesOf(meminfo: string | undefined, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo ?? "");
  return match ? Number(match[1]) * 1_024 : undefined;
}
