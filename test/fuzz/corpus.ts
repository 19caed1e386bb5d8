import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FuzzTarget } from "./fuzz-target.js";
import type { Material } from "./mutate.js";

const folder = fileURLToPath(new URL("corpus", import.meta.url));

export interface Kept {
  readonly file: string;
  readonly bytes: Buffer;
}

/** What is kept of a target: findings of earlier runs, and inputs that lead where mutation seldom comes. */
export function keptCorpus(name: string): readonly Kept[] {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .sort()
    .map((file) => ({ file, bytes: readFileSync(join(path, file)) }));
}

/** The folders of the corpus. */
export const keptNames = (): readonly string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

/** Keeps an input; the same bytes once. */
export function keep(name: string, prefix: string, bytes: Buffer): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const file = join(path, `${prefix}-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}`);
  writeFileSync(file, bytes);
  return file;
}

/** What a target's inputs are made of. */
export function materialOf({ name, seeds, words, maxLength }: FuzzTarget): Material & { readonly pool: Buffer[] } {
  const kept = keptCorpus(name).map(({ bytes }) => bytes);
  return { pool: [...seeds.map(asBuffer), ...kept], words: words.map(asBuffer), maxLength };
}

const asBuffer = (bytes: string | Buffer): Buffer => (typeof bytes === "string" ? Buffer.from(bytes) : bytes);
