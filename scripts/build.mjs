// Writes dist/: the library file by file with its types (tsc), the command line as bundles (esbuild), see
// docs/adr/0003-build.md. `node scripts/build.mjs` builds both, `node scripts/build.mjs cli` one of them; each part is left
// alone while its sources are the same.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled, root, stopwatch } from "./install.mjs";

const dist = join(root, "dist");
const stamps = join(root, ".cache/build");

const parts = {
  library: { build: buildLibrary, result: "dist/index.js" },
  cli: { build: buildCli, result: "dist/cli/main.js" },
};

/** Builds the named parts whose sources changed; throws where one does not compile, after the compiler said why. */
export async function ensureBuilt(names = Object.keys(parts)) {
  const stamp = sourceStamp();
  for (const name of names) {
    const file = join(stamps, name);
    const { build, result } = parts[name];
    if (existsSync(join(root, result)) && existsSync(file) && readFileSync(file, "utf8") === stamp) continue;
    const seconds = stopwatch();
    await build();
    mkdirSync(stamps, { recursive: true });
    writeFileSync(file, stamp);
    // Its helper process would stay as long as this one, which goes on as the demo's starter.
    const { stop } = await import("esbuild");
    await stop();
    process.stderr.write(`Built the ${name === "cli" ? "command line" : "library"} in ${seconds()}\n`);
  }
}

function sourceStamp() {
  const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
  const files = [
    ...sources,
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "scripts/build.mjs",
    "scripts/keep-code.mjs",
  ].sort();
  // The code cache is of one Node.js.
  const hash = createHash("sha256").update(process.version);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

async function buildLibrary() {
  const old = existsSync(dist) ? readdirSync(dist).filter((name) => name !== "cli") : [];
  for (const name of old) rmSync(join(dist, name), { recursive: true });
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error("The library does not compile.");
  await writeCommonJs(join(dist, "cjs"));
}

/**
 * The library for `require`, file by file too, so that all its entries share one copy of what they share. Packages that are
 * loaded late are required late: `import()` would be another door, which neither test runners nor instrumentation of a
 * CommonJS host watch. The types say the same in both; where they lie decides what they are of.
 */
async function writeCommonJs(outdir) {
  const { build } = await import("esbuild");
  const files = readdirSync(join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".ts"));
  await build({
    absWorkingDir: root,
    entryPoints: files.filter((name) => !/^cli[\\/]/.test(name)).map((name) => join("src", name)),
    outbase: "src",
    outdir,
    format: "cjs",
    platform: "node",
    target: "node20.11",
    supported: { "dynamic-import": false },
    logLevel: "warning",
  });
  for (const name of readdirSync(dist, { recursive: true }).filter((name) => /^(?!cjs).*\.d\.ts$/.test(name))) {
    cpSync(join(dist, name), join(outdir, name));
  }
  writeFileSync(join(outdir, "package.json"), '{ "type": "commonjs" }\n');
}

async function buildCli() {
  const outdir = join(dist, "cli");
  await bundleCommandLine(outdir);
  keepCode(outdir);
}

/**
 * Entries and shared chunks, each command loading what it needs. Drivers stay outside: they are optional, and loaded by
 * the first run that needs them. The probe is a bundle of its own, without the shim that CommonJS packages need.
 */
export async function bundleCommandLine(outdir) {
  const { build } = await import("esbuild");
  // A folder that cannot be written to is one line here, and a page from each bundle there.
  mkdirSync(join(outdir, "chunks"), { recursive: true });
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const external = [...Object.keys(optionalDependencies), "pg-native"];
  const shared = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20.11",
    sourcesContent: false,
    logLevel: "warning",
  };
  const entry = { ...shared, format: "cjs", supported: { "dynamic-import": false }, outdir, sourcemap: true };
  const [chunks] = await Promise.all([
    build({
      ...shared,
      format: "esm",
      // Each use of a name of a CommonJS package asks a getter.
      mainFields: ["module", "main"],
      entryPoints: ["src/cli/program.ts", "src/cli/demo/process.ts"],
      entryNames: "[name]",
      chunkNames: "[name]-[hash]",
      outdir: join(outdir, "chunks"),
      splitting: true,
      external,
      sourcemap: "inline",
      write: false,
      plugins: [namesOfDynamicImports(external), oneLanguageOfZod(), loadedWhenCalled()],
    }),
    build({
      ...shared,
      format: "cjs",
      entryPoints: rarelyCalled.map((name) => ({ in: pathOfRarelyCalled(name), out: name })),
      outdir: join(outdir, "chunks"),
      sourcemap: true,
    }),
    build({
      ...entry,
      entryPoints: ["src/cli/main.ts"],
      external: ["./probe.js"],
      plugins: [chunksInsteadOfModules()],
    }),
    build({ ...entry, entryPoints: ["src/cli/probe.ts", "src/cli/chunks.ts"] }),
  ]);
  await Promise.all(chunks.outputFiles.map(writeChunk));
  // Scripts, whatever the package around them says: they start sooner than modules.
  writeFileSync(join(outdir, "package.json"), '{ "type": "commonjs" }\n');
  const rare = rarelyCalled.map((name) => `chunks/${name}`);
  const entries = ["main", "probe", "chunks", ...rare].flatMap((name) => [`${name}.js`, `${name}.js.map`]);
  const written = [...entries, "package.json"].map((name) => join(outdir, name));
  removeAllBut(new Set([...written, ...chunks.outputFiles.flatMap(({ path }) => [path, `${path}.map`])]), outdir);
  for (const name of ["main.js", "probe.js"]) makeExecutable(join(outdir, name));
}

/** V8 keeps its code for scripts alone. The names that chunks share stay bound as they are between modules. */
async function writeChunk({ path, text }) {
  const { transform } = await import("esbuild");
  const name = basename(path);
  const { code, map } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node20.11",
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "__fileUrl" },
    sourcefile: name,
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "warning",
  });
  writeFileSync(path, `${code}//# sourceMappingURL=${name}.map\n`);
  writeFileSync(`${path}.map`, map);
}

/** The entry knows its commands as modules; built, they are chunks. */
function chunksInsteadOfModules() {
  return {
    name: "chunks-instead-of-modules",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\/(program|demo\/process)\.js$/ }, ({ path }) => ({
        path: basename(path),
        namespace: "chunk",
      }));
      onResolve({ filter: /^\.\/chunks\.js$/, namespace: "chunk" }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /.*/, namespace: "chunk" }, ({ path }) => ({
        contents: `module.exports = require("./chunks.js").openChunks(__dirname).load(${JSON.stringify(path)});`,
      }));
    },
  };
}

/** Our own words stand in every message; the other forty languages are a third of zod. */
function oneLanguageOfZod() {
  return {
    name: "one-language-of-zod",
    setup({ onLoad }) {
      const filter = /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/;
      onLoad({ filter }, () => ({ contents: 'export { default as en } from "./en.js";' }));
    },
  };
}

/** Parts of Express that an agent has no use for, and that are larger than the rest of it. */
const rarelyCalled = ["body-parser", "mime-types"];

/**
 * Such a package is a chunk of its own. Each of its functions loads it when it is first called; whatever is no function,
 * when it is looked at.
 */
function loadedWhenCalled() {
  return {
    name: "loaded-when-called",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^(${rarelyCalled.join("|")})$`) }, ({ path }) => ({ path, namespace: "called" }));
      onResolve({ filter: /^\.\//, namespace: "called" }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /.*/, namespace: "called" }, async ({ path }) => ({
        contents: forwarding(`./${path}.js`, (await import(pathToFileURL(pathOfRarelyCalled(path)).href)).default),
      }));
    },
  };
}

/** Express' own copy. Looked for when it is needed: in a fresh checkout, packages come after this file has been loaded. */
function pathOfRarelyCalled(name) {
  const express = createRequire(import.meta.url).resolve("express");
  return createRequire(express).resolve(name);
}

function forwarding(chunk, exported) {
  const load = `require(${JSON.stringify(chunk)})`;
  const lines = Object.keys(exported).map((name) => {
    return typeof exported[name] === "function"
      ? `exports.${name} = (...given) => ${load}.${name}(...given);`
      : `Object.defineProperty(exports, "${name}", { enumerable: true, get: () => ${load}.${name} });`;
  });
  return lines.join("\n");
}

/** Starts an agent on what was built, and keeps what V8 has compiled by then. Of this Node.js alone. */
export function keepCode(outdir) {
  rmSync(join(outdir, "code-cache"), { recursive: true, force: true });
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/keep-code.mjs"), outdir], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    // Flags are part of what V8 compares: the agent will have none.
    env: { PATH: process.env.PATH },
  });
  // It starts without as well.
  if (status !== 0) process.stderr.write(`The code cache could not be made, so the agent starts slower: ${stderr}\n`);
}

/**
 * `await import()` of a CommonJS package has its names in Node, and only `default` in a bundle. Each such import leads to
 * a module that exports what Node itself sees, so that source and bundle behave alike.
 */
function namesOfDynamicImports(external) {
  return {
    name: "names-of-dynamic-imports",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^[@a-z]/ }, ({ kind, path }) => {
        const isPackage = kind === "dynamic-import" && !path.startsWith("node:") && !external.includes(path);
        return isPackage ? { path, namespace: "package" } : undefined;
      });
      onLoad({ filter: /.*/, namespace: "package" }, async ({ path }) => ({
        contents: `export { ${exportedNames(await import(path)).join(", ")} } from ${JSON.stringify(path)};`,
        resolveDir: root,
      }));
    },
  };
}

function exportedNames(module) {
  const names = Object.keys(module).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__esModule");
  // Of a package compiled from ESM, Node's `default` is the whole namespace: nobody means that.
  return "__esModule" in module ? names.filter((name) => name !== "default") : names;
}

/** Chunks are named by their content; those of earlier builds would be shipped along. */
function removeAllBut(wanted, folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !wanted.has(file)) rmSync(file);
  }
}

function makeExecutable(file) {
  const text = readFileSync(file, "utf8");
  if (!text.startsWith("#!")) writeFileSync(file, `#!/usr/bin/env node\n${text}`);
  chmodSync(file, 0o755);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  ensureInstalled();
  const names = process.argv.slice(2);
  await ensureBuilt(names.length > 0 ? names : undefined);
}
