import { branchesOf, itemBranches, type JsonSchema, propertyBranches, scalarTypes } from "./json-schema-view.js";
import type { ConfigNode, NodePath, ScalarNode } from "./node.js";

export interface Coerced {
  /** Plain data; a key whose value is empty is not in it. */
  readonly value: unknown;
  /** Secrets that are given and empty. */
  readonly emptySecrets: readonly NodePath[];
}

/**
 * Plain data of a tree, each scalar read as the option's type wants it: `0123` stays text where text is wanted,
 * and what a reference brought becomes a number where one is.
 */
export function coerce(node: ConfigNode, schema: JsonSchema): Coerced {
  const emptySecrets: NodePath[] = [];
  const value = read(node, branchesOf(schema), [], emptySecrets);
  return { value, emptySecrets };
}

function read(node: ConfigNode, branches: readonly JsonSchema[], path: NodePath, emptySecrets: NodePath[]): unknown {
  if (node.type === "map") {
    const entries: [string, unknown][] = [];
    for (const [key, entry] of node.entries) {
      const value = read(entry.value, propertyBranches(branches, key), [...path, key], emptySecrets);
      if (value !== undefined) entries.push([key, value]);
    }
    return Object.fromEntries(entries);
  }
  if (node.type === "list") {
    return node.items
      .map((item, index) => read(item, itemBranches(branches, index), [...path, index], emptySecrets))
      .filter((value) => value !== undefined);
  }
  const types = scalarTypes(branches);
  if (!isEmpty(node, types, branches.length > 0)) return readScalar(node, types);
  if (branches.some((branch) => branch.secret)) emptySecrets.push(path);
  return undefined;
}

/**
 * Empty counts as absent: a key without a value, and references that bring nothing. A quoted `""` is a text, `null`
 * is a value where anything may stand, and what is unknown stays, so that it is refused.
 */
function isEmpty(node: ScalarNode, types: ReadonlySet<string> | undefined, isKnown: boolean): boolean {
  if (node.isBroken) return false;
  if (node.value === null) return types !== undefined && !types.has("null");
  return isKnown && node.references.length > 0 && node.text === "";
}

function readScalar(node: ScalarNode, types: ReadonlySet<string> | undefined): unknown {
  if (types === undefined) return node.value;
  if (node.references.length > 0) return readReference(node.text, types);
  return types.has(typeof node.value) || !types.has("string") ? node.value : node.text;
}

const numberText = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

function readReference(text: string, types: ReadonlySet<string>): unknown {
  if (types.has("number") && numberText.test(text)) return Number(text);
  const isBoolean = /^(?:true|false)$/i.test(text);
  return types.has("boolean") && isBoolean ? text.toLowerCase() === "true" : text;
}
