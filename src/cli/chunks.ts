import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { tuneHeap } from "./heap.js";

/**
 * Loads the chunks of the built command line, each with the code that V8 made of it before where that is kept beside
 * it (docs/adr/0003-build.md). A code that is missing, damaged, or of another source, V8 or set of its flags is left
 * aside: the chunk is then compiled as ever, and only that takes longer.
 */
export interface Chunks {
  /** What the chunk exports; it runs once. */
  load(name: string): unknown;
  /** Keeps the code of every chunk that has run, with all functions that ran so far. For the build. */
  keepCode(): void;
  /** How many chunks came with their code, and how many without. */
  counts(): { readonly kept: number; readonly compiled: number };
}

interface Loaded {
  readonly exports: unknown;
}

interface Compiled {
  readonly source: Buffer;
  readonly script: Script;
}

type Wrapper = (
  exports: unknown,
  require: (id: string) => unknown,
  module: Loaded,
  filename: string,
  fileUrl: string,
) => void;

/** Strict as the modules were which the chunks are made of. On the first line, so that lines stay where they are. */
const [before, after] = ['(function (exports, require, module, __filename, __fileUrl) { "use strict"; ', "\n})"];
const digestBytes = 32;

/** Of the chunks in `<folder>/chunks`. Sets V8 up first: code is of no use under other flags than it was kept under. */
export function openChunks(folder: string): Chunks {
  tuneHeap();
  const codeFolder = join(folder, "code-cache", `v8-${process.versions.v8}-${process.arch}`);
  const loaded = new Map<string, Loaded>();
  const compiled = new Map<string, Compiled>();
  let kept = 0;

  const compile = (name: string, filename: string): Script => {
    const source = readFileSync(filename);
    const code = readCode(join(codeFolder, name), source);
    // What the build writes is ASCII: one byte for each character, in memory too.
    const script = new Script(before + source.toString("latin1") + after, {
      filename,
      ...(code && { cachedData: code }),
    });
    if (code && script.cachedDataRejected === false) kept += 1;
    compiled.set(name, { source, script });
    return script;
  };
  const load = (name: string): unknown => {
    const known = loaded.get(name);
    if (known) return known.exports;
    const filename = join(folder, "chunks", name);
    const module: Loaded = { exports: {} };
    // Before it runs: chunks may need each other.
    loaded.set(name, module);
    const run = compile(name, filename).runInThisContext() as Wrapper;
    const requireOther = createRequire(filename);
    const require = (id: string): unknown => (id.startsWith("./") ? load(id.slice(2)) : requireOther(id));
    run(module.exports, Object.assign(require, requireOther), module, filename, pathToFileURL(filename).href);
    return module.exports;
  };
  return {
    load,
    keepCode: () => {
      mkdirSync(codeFolder, { recursive: true });
      for (const [name, { source, script }] of compiled) {
        const code = script.createCachedData();
        writeFileSync(join(codeFolder, name), Buffer.concat([digestOf(source, code), code]));
      }
    },
    counts: () => ({ kept, compiled: compiled.size - kept }),
  };
}

/** V8 looks at its version, its flags and the length of the source; here source and code are known to be a pair, unhurt. */
function readCode(path: string, source: Buffer): Buffer | undefined {
  try {
    const file = readFileSync(path);
    const code = file.subarray(digestBytes);
    return digestOf(source, code).equals(file.subarray(0, digestBytes)) ? code : undefined;
  } catch {
    return undefined;
  }
}

const digestOf = (source: Buffer, code: Buffer): Buffer => createHash("sha256").update(source).update(code).digest();
