import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { isConfigFile, maxFileBytes } from "./disk.js";

/** A file or directory that a config was read from, and what was found there then. */
export interface Watched {
  /** Absolute. */
  readonly path: string;
  readonly fingerprint: string;
}

/** What cannot be read has one fingerprint, whatever the cause. */
export const unreadable = "unreadable";

export const fingerprintOf = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** Of a directory count the names of the config files in it. */
export const fingerprintOfNames = (names: readonly string[]): string =>
  fingerprintOf(Buffer.from(names.filter(isConfigFile).sort().join("\n")));

/** What is at a path now. Neither a device, which may have no end, nor a pipe, which may have no beginning, is opened. */
export async function fingerprintPath(path: string): Promise<string> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return fingerprintOfNames(await readdir(path));
    if (!stats.isFile() || stats.size > maxFileBytes) return unreadable;
    return fingerprintOf(await readFile(path));
  } catch {
    return unreadable;
  }
}
