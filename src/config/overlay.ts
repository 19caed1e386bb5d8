import { type ConfigNode, formatPath, type ListNode, type MapEntry, type MapNode, type NodePath } from "./node.js";
import type { ConfigProblem } from "./problem.js";

/** A later config over an earlier one: mappings merge by key, checks by name, anything else is replaced. */
export function overlay(earlier: MapNode, later: MapNode): MapNode {
  return mergeMaps(earlier, later, (key, below, above) =>
    key === "checks" && below.type === "list" && above.type === "list" ? overlayChecks(below, above) : undefined,
  );
}

type MergeList = (key: string, below: ConfigNode, above: ConfigNode) => ConfigNode | undefined;

function mergeMaps(earlier: MapNode, later: MapNode, mergeList?: MergeList): MapNode {
  const entries = new Map(earlier.entries);
  for (const [key, entry] of later.entries) entries.set(key, mergeEntry(key, entries.get(key), entry, mergeList));
  return { type: "map", place: later.place, entries };
}

function mergeEntry(key: string, below: MapEntry | undefined, above: MapEntry, mergeList?: MergeList): MapEntry {
  if (below === undefined) return above;
  if (below.value.type === "map" && above.value.type === "map") {
    return { keyPlace: above.keyPlace, value: mergeMaps(below.value, above.value) };
  }
  return { keyPlace: above.keyPlace, value: mergeList?.(key, below.value, above.value) ?? above.value };
}

function overlayChecks(earlier: ListNode, later: ListNode): ListNode {
  const items = [...earlier.items];
  const indexes = new Map<string | undefined, number>();
  earlier.items.forEach((item, index) => {
    const name = nameOf(item);
    if (name !== undefined && !indexes.has(name)) indexes.set(name, index);
  });
  for (const check of later.items) {
    const index = indexes.get(nameOf(check));
    const below = index === undefined ? undefined : items[index];
    if (index !== undefined && below?.type === "map" && check.type === "map") items[index] = mergeMaps(below, check);
    else items.push(check);
  }
  return { type: "list", place: later.place, items };
}

/** The name of a check in a tree that is not validated yet. */
export function nameOf(check: ConfigNode): string | undefined {
  const name = check.type === "map" ? check.entries.get("name")?.value : undefined;
  return name?.type === "scalar" && !name.isBroken && name.text !== "" ? name.text : undefined;
}

/** The files of one directory together: checks follow one another, and nothing may be said twice. */
export function concatenate(first: MapNode, second: MapNode, problems: ConfigProblem[], path: NodePath = []): MapNode {
  const entries = new Map(first.entries);
  for (const [key, entry] of second.entries) {
    const below = entries.get(key);
    entries.set(key, below ? joinEntries(below, entry, [...path, key], problems) : entry);
  }
  return { type: "map", place: first.place, entries };
}

function joinEntries(first: MapEntry, second: MapEntry, path: NodePath, problems: ConfigProblem[]): MapEntry {
  if (first.value.type === "map" && second.value.type === "map") {
    return { ...first, value: concatenate(first.value, second.value, problems, path) };
  }
  const isChecks = path.length === 1 && path[0] === "checks";
  if (isChecks && first.value.type === "list" && second.value.type === "list") {
    return { ...first, value: { ...first.value, items: [...first.value.items, ...second.value.items] } };
  }
  const { file, line } = first.keyPlace;
  const problem = `is already given in ${file}:${line}`;
  problems.push({ ...second.keyPlace, path: formatPath(path), problem, mend: "say it in one file of the directory" });
  return first;
}
