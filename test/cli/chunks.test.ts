import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openChunks } from "../../src/cli/chunks.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "healthspan-chunks-"));
  mkdirSync(join(folder, "chunks"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, "chunks", name), text);

/** A chunk whose code has been kept; what comes back is the path of the code. */
function keep(text: string): string {
  write("one.js", text);
  const chunks = openChunks(folder);
  chunks.load("one.js");
  chunks.keepCode();
  const [kept] = readdirSync(join(folder, "code-cache"));
  return join(folder, "code-cache", kept ?? "", "one.js");
}

function load() {
  const chunks = openChunks(folder);
  return { answer: (chunks.load("one.js") as { answer: () => number }).answer(), ...chunks.counts() };
}

const answering = (number: number): string => `module.exports = { answer: () => ${number} };`;
const digest = (...parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

describe("a chunk", () => {
  it("runs once, in strict mode, with what Node gives to a script, and with its own address", () => {
    write(
      "one.js",
      'module.exports = { loose: this !== undefined && (() => !this)(), path: require("node:path").basename(__filename), url: __fileUrl };',
    );
    const { load: get } = openChunks(folder);
    const first = get("one.js");
    expect(first).toMatchObject({ path: "one.js", url: expect.stringMatching(/^file:.*\/chunks\/one\.js$/) });
    expect(get("one.js")).toBe(first);
    write("two.js", "undeclared = 1;");
    expect(() => get("two.js")).toThrow(ReferenceError);
  });

  it("may need one that needs it", () => {
    write("one.js", 'module.exports = { sum: () => other.two + 1 }; const other = require("./two.js");');
    write("two.js", 'module.exports = { two: 2, get sum() { return one.sum(); } }; const one = require("./one.js");');
    expect(openChunks(folder).load("two.js")).toMatchObject({ sum: 3 });
  });

  it("names its file and line in a stack", () => {
    write("one.js", '\n\nthrow new Error("here");');
    expect(() => openChunks(folder).load("one.js")).toThrow(
      expect.objectContaining({ stack: expect.stringMatching(/chunks\/one\.js:3:7/) }),
    );
  });
});

describe("kept code", () => {
  it("is what the chunk starts with the next time", () => {
    write("one.js", answering(1));
    expect(load()).toEqual({ answer: 1, kept: 0, compiled: 1 });
    keep(answering(1));
    expect(load()).toEqual({ answer: 1, kept: 1, compiled: 0 });
  });

  it("of another source is left aside, though both are as long", () => {
    keep(answering(1));
    write("one.js", answering(2));
    expect(load()).toEqual({ answer: 2, kept: 0, compiled: 1 });
  });

  const damage: readonly (readonly [string, (code: Buffer) => Uint8Array])[] = [
    ["a changed byte", (code) => code.map((byte, index) => (index === code.length - 40 ? byte ^ 1 : byte))],
    ["an end too soon", (code) => code.subarray(0, code.length / 2)],
    ["nothing in it", () => Buffer.alloc(0)],
    ["something else in it", () => Buffer.from("not code at all ".repeat(100))],
  ];

  it.each(damage)("with %s is left aside", (_what, hurt) => {
    const path = keep(answering(1));
    writeFileSync(path, hurt(readFileSync(path)));
    expect(load()).toEqual({ answer: 1, kept: 0, compiled: 1 });
  });

  it("of another V8, or of other flags, is left aside by V8", () => {
    const path = keep(answering(1));
    const code = readFileSync(path).subarray(32);
    const home = folder;
    // The second and fourth words are hashes of version and flags.
    for (const word of [4, 12]) {
      const foreign = Buffer.from(code);
      foreign.writeUInt8(foreign.readUInt8(word) ^ 1, word);
      writeFileSync(path, Buffer.concat([digest(Buffer.from(answering(1)), foreign), foreign]));
      // Elsewhere: what it has compiled from a path, V8 remembers.
      folder = join(home, `elsewhere-${word}`);
      cpSync(join(home, "chunks"), join(folder, "chunks"), { recursive: true });
      cpSync(join(home, "code-cache"), join(folder, "code-cache"), { recursive: true });
      expect(load()).toEqual({ answer: 1, kept: 0, compiled: 1 });
    }
    folder = home;
  });

  it("that cannot be read is left aside", () => {
    const path = keep(answering(1));
    rmSync(path);
    mkdirSync(path);
    expect(load()).toEqual({ answer: 1, kept: 0, compiled: 1 });
  });
});
