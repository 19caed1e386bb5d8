import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A small file of the kernel's, below `root` (`/` but in tests); undefined when it is not there or not for us. */
export async function readText(root: string, path: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

/** A non-negative whole number that stands alone in a file; undefined for anything else, `max` and `-1` included. */
export function parseCount(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

/** The value of `key` in a file of `key value` lines. */
export function countAfter(text: string | undefined, key: string): number | undefined {
  const line = text?.split("\n").find((candidate) => candidate.startsWith(`${key} `));
  return parseCount(line?.slice(key.length + 1));
}
