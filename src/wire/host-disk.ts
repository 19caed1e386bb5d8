import { statfs } from "node:fs/promises";
import { CheckFailure } from "../check.js";
import { abortable } from "./abortable.js";
import { errorCode } from "./network-failure.js";

export interface Disk {
  readonly path: string;
  /** Of what this process may use: blocks kept back for root count as neither used nor free, as in `df`. */
  readonly usedPercent: number;
  readonly freeBytes: number;
}

/** Reads the file system behind a path; throws `CheckFailure`. */
export type ReadDisk = (path: string) => Promise<Disk>;

/**
 * A dead network file system never answers `statfs`, and each call that waits holds one of the process's four file
 * threads. So a path is not asked again while it still owes an answer.
 */
export function createDiskReader(stat: typeof statfs = statfs): ReadDisk {
  const waiting = new Set<string>();
  return async (path) => {
    if (waiting.has(path)) throw new CheckFailure("timeout", `${path} has not answered since an earlier run`);
    waiting.add(path);
    try {
      return diskOf(path, await stat(path));
    } catch (error) {
      throw diskFailure(path, error);
    } finally {
      waiting.delete(path);
    }
  };
}

export type DiskResult = Disk | { readonly path: string; readonly failure: CheckFailure };

/** Reads every path, each for at most `withinMs`: one that hangs costs neither the others nor their facts. */
export async function readDisks(
  paths: readonly string[],
  readDisk: ReadDisk,
  withinMs: number,
): Promise<readonly DiskResult[]> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), withinMs);
  try {
    return await Promise.all(paths.map((path) => readWithin(path, readDisk, deadline.signal)));
  } finally {
    clearTimeout(timer);
  }
}

async function readWithin(path: string, readDisk: ReadDisk, signal: AbortSignal): Promise<DiskResult> {
  try {
    return await abortable(readDisk(path), signal);
  } catch (error) {
    const isLate = signal.aborted && error === signal.reason;
    return {
      path,
      failure: isLate ? new CheckFailure("timeout", `${path} does not answer`) : diskFailure(path, error),
    };
  }
}

interface FileSystem {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
}

function diskOf(path: string, { bsize, blocks, bfree, bavail }: FileSystem): Disk {
  const used = blocks - bfree;
  if (blocks === 0) throw new CheckFailure("unexpected", `${path} is on a file system without a size`);
  return { path, usedPercent: (100 * used) / (used + bavail || 1), freeBytes: bavail * bsize };
}

function diskFailure(path: string, error: unknown): CheckFailure {
  if (error instanceof CheckFailure) return error;
  const code = errorCode(error) ?? "no code";
  const detail = error instanceof Error ? error.message : String(error);
  const options = { cause: error, detail };
  if (code === "ENOENT" || code === "ENOTDIR") return new CheckFailure("not_found", `${path} does not exist`, options);
  if (code === "EACCES" || code === "EPERM") return new CheckFailure("auth", `${path} may not be read`, options);
  return new CheckFailure("unexpected", `${path} cannot be read (${code})`, options);
}
