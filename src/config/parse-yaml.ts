import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
} from "yaml";
import type { Mistake } from "../check/policy-limits.js";
import { coverReferences, findUnquotedReferences, type UnquotedReference } from "./flow-reference.js";
import { interpolate, type References } from "./interpolate.js";
import {
  type ConfigNode,
  emptyMap,
  formatPath,
  type MapEntry,
  type MapNode,
  type Place,
  type ScalarNode,
} from "./node.js";
import type { ConfigProblem } from "./problem.js";
import { explainYamlError, maxDepth } from "./yaml-errors.js";

/** Aliases may repeat what is anchored up to here; ten thousand checks have less than half of it. */
const maxNodes = 500_000;
/**
 * Words and signs of one file; ten thousand checks that say everything have 1.4 million. The parser takes up to two
 * microseconds for each: 16 MiB of brackets would hold the process for half a minute.
 */
const maxLexemes = 2_000_000;

export interface ParsedFile {
  readonly root: MapNode;
  readonly problems: readonly ConfigProblem[];
  /** The text could not be read as YAML: `root` is empty, and nothing more can be said about it. */
  readonly isUnreadable: boolean;
}

/** Reads one file's text into a tree with places, references replaced; every mistake is a problem, none is thrown. */
export function parseYaml(file: string, text: string, references: References): ParsedFile {
  const lines = new LineCounter();
  if (hasTooManyLexemes(text)) {
    return new TreeReader(file, lines, [], references).refuse(
      0,
      `has more than ${maxLexemes} words and signs`,
      "split it; --config may be repeated",
    );
  }
  const unquoted = text.includes("${") ? findUnquotedReferences(text) : [];
  const covered = unquoted.length > 0 ? coverReferences(text, unquoted) : text;
  const reader = new TreeReader(file, lines, unquoted, references);
  const documents = withoutStackTraces(() =>
    parseAllDocuments(covered, { lineCounter: lines, uniqueKeys: false, prettyErrors: false }),
  );
  const document = Array.isArray(documents) ? documents[0] : undefined;
  if (Array.isArray(documents)) for (const each of documents) reader.reportErrors(each);
  if (reader.isUnreadable) return reader.unreadable();
  if (document === undefined || document.contents === null) {
    return reader.refuse(0, "says nothing", "write at least `checks: []`, or leave the file out");
  }
  const second = Array.isArray(documents) ? documents[1] : undefined;
  if (second) {
    return reader.refuse(second.range[0], "starts a second YAML document", "keep one document a file; remove `---`");
  }
  return reader.readRoot(document);
}

/** Counted by the parser's own first stage, which costs a tenth of the whole and is left at the limit. */
function hasTooManyLexemes(text: string): boolean {
  // At least one character for two of them: the parser marks the beginning of a plain text by one of its own.
  if (text.length < maxLexemes / 2) return false;
  let count = 0;
  for (const _lexeme of new Lexer().lex(text)) if (++count > maxLexemes) return true;
  return false;
}

/**
 * The parser makes an error of each mistake, of which we show the code: the stacks in them, a hundred thousand of one
 * broken file, took up to two thirds of its time and of its memory. Nothing else can run meanwhile: `parse` is synchronous.
 */
function withoutStackTraces<Result>(parse: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Walks the parser's nodes of one file. */
class TreeReader {
  private readonly problems: ConfigProblem[] = [];
  private readonly open = new Set<Node>();
  private readonly reported = new Set<UnquotedReference>();
  private readonly anchors = new Map<string, Node>();
  private readonly path: PropertyKey[] = [];
  private count = 0;
  isUnreadable = false;

  constructor(
    private readonly file: string,
    private readonly lines: LineCounter,
    private readonly unquoted: readonly UnquotedReference[],
    private readonly references: References,
  ) {}

  /** One problem a line: what follows the first is mostly its echo. */
  reportErrors(document: { readonly errors: Document["errors"]; readonly warnings: Document["warnings"] }): void {
    const seen = new Set<number>();
    for (const error of [...document.errors, ...document.warnings]) {
      this.isUnreadable = true;
      const place = this.placeAt(error.pos[0]);
      if (seen.has(place.line)) continue;
      seen.add(place.line);
      this.report(place, explainYamlError(error));
    }
  }

  /** Those that stand where no value is read: in a key, or beside a syntax error. */
  private reportAllUnquoted(): void {
    for (const reference of this.unquoted) this.reportUnquoted(reference);
  }

  unreadable(): ParsedFile {
    this.isUnreadable = true;
    this.reportAllUnquoted();
    return { root: emptyMap(this.placeAt(0)), problems: this.problems, isUnreadable: true };
  }

  refuse(offset: number, problem: string, mend: string): ParsedFile {
    this.report(this.placeAt(offset), { problem, mend });
    return this.unreadable();
  }

  readRoot(document: Document): ParsedFile {
    const contents = document.contents as Node;
    if (!isMap(contents)) {
      const given = isSeq(contents) ? "is a list" : "is a single text";
      return this.refuse(contents.range?.[0] ?? 0, given, "write `key: value` lines, such as `checks:`");
    }
    const root = this.read(contents, 0) as MapNode;
    if (this.isUnreadable) return this.unreadable();
    this.reportAllUnquoted();
    return { root, problems: this.problems, isUnreadable: false };
  }

  private read(node: Node | null | undefined, depth: number): ConfigNode {
    const place = this.placeAt(node?.range?.[0] ?? 0);
    if (!node || this.isUnreadable) return this.scalar(null, "", place, false);
    if (++this.count > maxNodes || depth > maxDepth) return this.giveUp(place, depth);
    if (isAlias(node)) return this.readAlias(node.source, place, depth);
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor) this.anchors.set(node.anchor, node);
    if (isScalar(node)) return this.readScalar(node, place);
    if (isMap(node)) return this.nested(node, () => this.readMap(node.items, place, depth));
    if (isSeq(node)) {
      return this.nested(node, () => ({
        type: "list",
        place,
        items: node.items.map((item, index) => this.readAt(index, item as Node | null, depth)),
      }));
    }
    return this.scalar(null, "", place, false);
  }

  private nested(node: Node, read: () => ConfigNode): ConfigNode {
    this.open.add(node);
    const result = read();
    this.open.delete(node);
    return result;
  }

  private readAlias(name: string, place: Place, depth: number): ConfigNode {
    const target = this.anchors.get(name);
    if (target === undefined)
      return this.broken(place, `has the alias \`*${name}\`, which no \`&${name}\` comes before`);
    if (this.open.has(target)) return this.broken(place, `has the alias \`*${name}\` inside what it stands for`);
    return this.read(target, depth);
  }

  private readMap(pairs: readonly { key: unknown; value: unknown }[], place: Place, depth: number): MapNode {
    const entries = new Map<string, MapEntry>();
    const merged: ConfigNode[] = [];
    for (const pair of pairs) {
      const key = this.readKey(pair.key as Node | null, place);
      if (key === undefined) continue;
      const value = this.readValue(key.name, pair.value as Node | null, key.place, depth);
      if (key.name === "<<" && !key.isQuoted) merged.push(value);
      else if (entries.has(key.name)) this.reportTwice(key.name, key.place, entries.get(key.name));
      else entries.set(key.name, { keyPlace: key.place, value });
    }
    for (const value of merged) this.mergeInto(entries, value);
    return { type: "map", place, entries };
  }

  private readAt(step: PropertyKey, node: Node | null, depth: number): ConfigNode {
    this.path.push(step);
    const result = this.read(node, depth + 1);
    this.path.pop();
    return result;
  }

  /** A value that is left out stands where its key does. */
  private readValue(key: string, node: Node | null, keyPlace: Place, depth: number): ConfigNode {
    const value = this.readAt(key, node, depth);
    return value.type === "scalar" && value.value === null ? { ...value, place: keyPlace } : value;
  }

  private readKey(node: Node | null, parent: Place): { name: string; place: Place; isQuoted: boolean } | undefined {
    const place = node?.range ? this.placeAt(node.range[0]) : parent;
    if (!isScalar(node) || node.value === null || node.source === "__proto__") {
      this.report(place, { problem: "has a key that is no text", mend: "write a plain key" });
      return undefined;
    }
    const isQuoted = node.type !== "PLAIN";
    return { name: isQuoted ? String(node.value) : (node.source ?? String(node.value)), place, isQuoted };
  }

  private reportTwice(key: string, place: Place, first: MapEntry | undefined): void {
    this.path.push(key);
    const line = first?.keyPlace.line ?? 0;
    this.report(place, { problem: `is given twice, first in line ${line}`, mend: "remove one of them" });
    this.path.pop();
  }

  /** YAML 1.1's merge key: what is said beside it wins. */
  private mergeInto(entries: Map<string, MapEntry>, value: ConfigNode): void {
    const sources = value.type === "list" ? value.items : [value];
    for (const source of sources) {
      if (source.type === "map") {
        for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
      } else if (source.type === "list" || !source.isBroken) {
        this.report(source.place, { problem: "`<<` merges mappings only", mend: "name an anchored mapping: `*name`" });
      }
    }
  }

  private readScalar({ value, source, type, range }: Scalar, place: Place): ConfigNode {
    const isQuoted = type !== "PLAIN" && type !== undefined;
    if (typeof value === "number" || typeof value === "boolean" || value === null) {
      return this.scalar(value, source ?? String(value ?? ""), place, isQuoted);
    }
    if (typeof value !== "string") return this.broken(place, "is a value of a type that is not used here");
    const covered = range ? this.unquoted.filter(({ start }) => start >= range[0] && start < range[1]) : [];
    if (covered.length > 0) {
      for (const reference of covered) this.reportUnquoted(reference);
      return { ...this.scalar(value, value, place, true), isBroken: true };
    }
    return this.replace(value, place, isQuoted);
  }

  private reportUnquoted(reference: UnquotedReference): void {
    if (this.reported.has(reference)) return;
    this.reported.add(reference);
    const mistake = { problem: "`${…}` inside brackets is not quoted", mend: 'quote it: `"${…}"`' };
    this.report(this.placeAt(reference.start), mistake);
  }

  private replace(value: string, place: Place, isQuoted: boolean): ScalarNode {
    const { text, references, mistakes } = interpolate(value, this.references);
    for (const mistake of mistakes) this.report(place, mistake);
    return { ...this.scalar(text, text, place, isQuoted), references, isBroken: mistakes.length > 0 };
  }

  private scalar(value: ScalarNode["value"], text: string, place: Place, isQuoted: boolean): ScalarNode {
    return { type: "scalar", place, value, text, isQuoted, references: [], isBroken: false };
  }

  private broken(place: Place, problem: string): ScalarNode {
    this.report(place, { problem, mend: "write the value itself" });
    return { ...this.scalar("", "", place, true), isBroken: true };
  }

  private giveUp(place: Place, depth: number): ScalarNode {
    this.isUnreadable = true;
    const problem =
      depth > maxDepth
        ? `is nested more than ${maxDepth} levels deep`
        : `grows to more than ${maxNodes} values by its aliases`;
    return this.broken(place, problem);
  }

  private placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  private report(place: Place, mistake: Mistake): void {
    this.problems.push({ ...place, path: formatPath(this.path), ...mistake });
  }
}
