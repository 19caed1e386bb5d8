import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

export const root = join(import.meta.dirname, "..");

/** With `--check`, compares and reports instead of writing; the exit code says whether anything differs. */
const isCheck = process.argv.includes("--check");

export function writeOrCompare(path: string, content: string): void {
  const name = relative(root, path);
  if (readOrNothing(path) === content) return;
  if (isCheck) {
    console.error(`${name} is not what its generator writes`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, content);
    console.log(`wrote ${name}`);
  }
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The text with what stands between `<!-- generated:name -->` and `<!-- /generated:name -->` replaced. */
export function fillMarker(text: string, name: string, content: string): string {
  const open = `<!-- generated:${name} -->`;
  const close = `<!-- /generated:${name} -->`;
  const start = text.indexOf(open);
  const end = text.indexOf(close, start);
  if (start < 0 || end < 0) throw new Error(`has no ${open} … ${close}`);
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`;
}
