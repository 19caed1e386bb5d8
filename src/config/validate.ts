import type { z } from "zod";
import { coerce } from "./coerce.js";
import { type Explained, explain, unworded } from "./explain.js";
import type { Mistake } from "./interpolate.js";
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
  const parsed = schema.safeParse(value, { error: () => unworded });
  const problems = emptySecrets.map((path) => problemAt(node, path, at, emptySecret));
  if (!parsed.success) {
    const about = {
      root: node,
      schema: inputSchema(schema),
      alsoKnown: subject.alsoKnown ?? [],
      unknownKey: subject.unknownKey ?? "is not known",
    };
    const silent = new Set(emptySecrets.map(formatPath));
    for (const explained of parsed.error.issues.flatMap((issue) => explain(issue, about))) {
      if (!isReported(node, explained, silent)) problems.push(toProblem(node, explained, at));
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

function toProblem(root: ConfigNode, explained: Explained, at: NodePath): ConfigProblem {
  const { problem, mend } = explained;
  if (!explained.isAboutKey) return problemAt(root, explained.path, at, { problem, mend });
  const { keyPlace } = findNode(root, explained.path);
  return { ...keyPlace, path: formatPath([...at, ...explained.path]), problem, mend };
}

/** A problem with what is at `path` of a tree that itself stands at `at`. */
export function problemAt(root: ConfigNode, path: NodePath, at: NodePath, mistake: Mistake): ConfigProblem {
  return { ...findNode(root, path).place, path: formatPath([...at, ...path]), ...mistake };
}
