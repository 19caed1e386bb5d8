/** A config as a tree whose every value knows where it was written, so that overlays and problems keep their places. */

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ScalarNode {
  readonly type: "scalar";
  readonly place: Place;
  /** As YAML reads it; the text once something in it was replaced. */
  readonly value: string | number | boolean | null;
  /** As it is written, references replaced: `0123` where `value` is 123. */
  readonly text: string;
  readonly isQuoted: boolean;
  /** What was put in: `env DATABASE_URL`, `file /run/secrets/token`. Not empty: the option's type decides. */
  readonly references: readonly string[];
  /** Already reported; nothing else is said about it. */
  readonly isBroken: boolean;
}

export interface ListNode {
  readonly type: "list";
  readonly place: Place;
  readonly items: readonly ConfigNode[];
}

export interface MapEntry {
  readonly keyPlace: Place;
  readonly value: ConfigNode;
}

export interface MapNode {
  readonly type: "map";
  readonly place: Place;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export type ConfigNode = ScalarNode | ListNode | MapNode;

export type NodePath = readonly PropertyKey[];

export interface Found {
  /** The node at the path; undefined when there is none. */
  readonly node: ConfigNode | undefined;
  /** Its value's place for a scalar, its key's for what has parts, its parent's when it is missing. */
  readonly place: Place;
  /** The place of its key, where it has one. */
  readonly keyPlace: Place;
}

/** What is at a path, and where. */
export function findNode(root: ConfigNode, path: NodePath): Found {
  let found: Found = { node: root, place: root.place, keyPlace: root.place };
  for (const step of path) {
    const next = stepInto(found.node, step);
    if (next === undefined) return { node: undefined, place: found.keyPlace, keyPlace: found.keyPlace };
    found = next;
  }
  return found;
}

function stepInto(node: ConfigNode | undefined, step: PropertyKey): Found | undefined {
  if (node?.type === "map") {
    const entry = node.entries.get(String(step));
    if (entry === undefined) return undefined;
    const place = entry.value.type === "scalar" ? entry.value.place : entry.keyPlace;
    return { node: entry.value, place, keyPlace: entry.keyPlace };
  }
  const item = node?.type === "list" ? node.items[Number(step)] : undefined;
  return item && { node: item, place: item.place, keyPlace: item.place };
}

/** `checks[0].expect.status`. */
export function formatPath(path: NodePath): string {
  return path.map((step, index) => formatStep(step, index)).join("");
}

function formatStep(step: PropertyKey, index: number): string {
  if (typeof step === "number") return `[${step}]`;
  const name = String(step);
  if (!/^[\w/-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
  return index === 0 ? name : `.${name}`;
}

/** A tree of a plain value, for configs that no file holds; `replace` puts its references in. */
export function nodeOf(value: unknown, place: Place, replace: (scalar: ScalarNode) => ScalarNode): ConfigNode {
  if (Array.isArray(value)) return { type: "list", place, items: value.map((item) => nodeOf(item, place, replace)) };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return {
      type: "map",
      place,
      entries: new Map(entries.map(([key, inner]) => [key, { keyPlace: place, value: nodeOf(inner, place, replace) }])),
    };
  }
  return replace(scalarNode(value as string | number | boolean | null, place));
}

export function scalarNode(value: string | number | boolean | null, place: Place): ScalarNode {
  const isQuoted = typeof value === "string";
  return { type: "scalar", place, value, text: String(value ?? ""), isQuoted, references: [], isBroken: false };
}

export const emptyMap = (place: Place): MapNode => ({ type: "map", place, entries: new Map() });
