import type { ReadCheck } from "./check-section.js";
import { type ConfigNode, findNode, type MapNode, type ScalarNode } from "./node.js";

/** Where a setting of a tree was said, by its dotted path; undefined when it was not. */
export function originOfNode(root: MapNode, path: string): string | undefined {
  const { node, place } = findNode(root, path.split("."));
  if (node === undefined) return undefined;
  return describe(place.file, place.line, node.type === "scalar" ? node : undefined);
}

/** The origin of every value that files and variables say; what is not in it is a default. */
export function collectOrigins(root: MapNode, checks: readonly ReadCheck[]): ReadonlyMap<string, string> {
  const origins = new Map<string, string>();
  for (const [key, { value }] of root.entries) {
    if (key !== "checks" && key !== "telemetry" && key !== "defaults") collect(origins, key, value);
  }
  const defaults = root.entries.get("defaults")?.value;
  for (const { check, node } of checks) {
    const path = `checks.${check.policy.name}`;
    if (defaults) collect(origins, path, defaults);
    collect(origins, path, node);
  }
  return origins;
}

function collect(origins: Map<string, string>, path: string, node: ConfigNode): void {
  if (node.type === "map") {
    for (const [key, { value }] of node.entries) collect(origins, `${path}.${key}`, value);
  } else if (node.type === "list") {
    origins.set(path, describe(node.place.file, node.place.line, undefined));
    node.items.forEach((item, index) => {
      collect(origins, `${path}.${index}`, item);
    });
  } else if (node.value !== null) {
    origins.set(path, describe(node.place.file, node.place.line, node));
  }
}

function describe(file: string, line: number, scalar: ScalarNode | undefined): string {
  if (line === 0) return file.replace(/^environment (?=.)/, "");
  const references = scalar?.references ?? [];
  return `${file}:${line}${references.length > 0 ? ` (${references.join(", ")})` : ""}`;
}
