import type { z } from "zod";
import type { Mistake } from "../check/policy-limits.js";
import { coerce } from "./coerce.js";
import { type Explained, explain, unworded } from "./explain.js";
import { inputSchema } from "./json-schema-view.js";
import { type ConfigNode, findNode, formatPath, type NodePath } from "./node.js";
import type { ConfigProblem } from "./problem.js";

export interface Subject<Value> {
  readonly node: ConfigNode;
  readonly schema: z.ZodType<Value>;
  /** Where the node is in the whole config. */
  readonly at?: NodePath;
  readonly unknownKey?: string;
  /** Keys that may stand here too, for suggestions. */
  readonly alsoKnown?: readonly string[];
}

export type Validated<Value> =
  | { readonly value: Value; readonly problems: readonly [] }
  | { readonly value?: undefined; readonly problems: readonly ConfigProblem[] };

/** Holds a tree against a schema; every mistake comes back with its place. */
export function validate<Value>(subject: Subject<Value>): Validated<Value> {
  const { node, schema, at = [] } = subject;
  const { value, emptySecrets } = coerce(node, inputSchema(schema));
  // Compiling a schema takes longer than the one look that a start takes.
  const parsed = schema.safeParse(value, { error: () => unworded, jitless: true });
  const problems = emptySecrets.map((path) => problemAt(node, path, at, emptySecret));
  if (!parsed.success) {
    const about = {
      root: node,
      schema: inputSchema(schema),
      alsoKnown: subject.alsoKnown ?? [],
      unknownKey: subject.unknownKey ?? "is not known",
    };
    const silent = new Set(emptySecrets.map(formatPath));
    const all = parsed.error.issues.flatMap((issue) => explain(issue, about));
    for (const explained of all) {
      if (isReported(node, explained, silent) || isMisspelt(node, explained, all)) continue;
      problems.push(toProblem(node, explained, at));
    }
  }
  if (problems.length === 0 && parsed.success) return { value: parsed.data, problems: [] };
  return { problems };
}

const emptySecret: Mistake = {
  problem: "is a secret that is given but empty",
  mend: "give it a value or leave it out",
};

function isReported(root: ConfigNode, { path }: Explained, silent: ReadonlySet<string>): boolean {
  const { node } = findNode(root, path);
  return silent.has(formatPath(path)) || (node?.type === "scalar" && node.isBroken);
}

/** What is missing because its key is misspelt is said by the key. */
function isMisspelt(root: ConfigNode, { path }: Explained, all: readonly Explained[]): boolean {
  if (findNode(root, path).node !== undefined) return false;
  const parent = formatPath(path.slice(0, -1));
  const guess = `did you mean \`${String(path.at(-1))}\`?`;
  return all.some(
    (other) => other.isAboutKey && other.mend === guess && formatPath(other.path.slice(0, -1)) === parent,
  );
}

function toProblem(root: ConfigNode, explained: Explained, at: NodePath): ConfigProblem {
  const { problem, mend } = explained;
  if (!explained.isAboutKey) return problemAt(root, explained.path, at, { problem, mend });
  const { keyPlace } = findNode(root, explained.path);
  return { ...keyPlace, path: formatPath([...at, ...explained.path]), problem, mend };
}

/**
 * What is left of a value when its mistakes are taken out, so that the rest can be judged too; undefined when the rest
 * cannot stand without them.
 */
export function salvage<Value>(subject: Subject<Value>, problems: readonly ConfigProblem[]): Value | undefined {
  const broken = new Set(problems.map(({ path }) => path));
  const node = without(subject.node, subject.at ?? [], broken);
  return node && validate({ ...subject, node }).value;
}

function without(node: ConfigNode, at: NodePath, broken: ReadonlySet<string>): ConfigNode | undefined {
  if (broken.has(formatPath(at)) || (node.type === "scalar" && node.isBroken)) return undefined;
  if (node.type === "scalar") return node;
  if (node.type === "list") {
    // An item that goes would move the others; a list with a mistake goes as a whole.
    const items = node.items.flatMap((item, index) => without(item, [...at, index], broken) ?? []);
    return items.length === node.items.length ? { ...node, items } : undefined;
  }
  const entries = [...node.entries].flatMap(([key, entry]) => {
    const value = without(entry.value, [...at, key], broken);
    return value ? [[key, { ...entry, value }] as const] : [];
  });
  return { ...node, entries: new Map(entries) };
}

/** A problem with what is at `path` of a tree that itself stands at `at`. */
export function problemAt(root: ConfigNode, path: NodePath, at: NodePath, mistake: Mistake): ConfigProblem {
  return { ...findNode(root, path).place, path: formatPath([...at, ...path]), ...mistake };
}
