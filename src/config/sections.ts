import { mistakesInTimes } from "../check/policy-limits.js";
import type { CheckKind } from "../check.js";
import { findNode, formatPath, type MapNode, type NodePath } from "./node.js";
import { type FileOptions, fileOptions } from "./options.js";
import type { ConfigProblem } from "./problem.js";
import { suggest } from "./suggest.js";
import { problemAt, salvage, validate } from "./validate.js";

export interface Sections {
  /** What could be read; complete when there are no problems. */
  readonly value: FileOptions | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** Everything of a config but its checks. */
export function readSections(root: MapNode, kinds: readonly CheckKind[]): Sections {
  const subject = { node: withoutChecks(root), schema: fileOptions };
  const { value: whole, problems } = validate(subject);
  const value = whole ?? salvage(subject, problems);
  const contradictions = value ? [...checkDefaults(root, value), ...checkConcurrency(root, value, kinds)] : [];
  return { value, problems: [...problems, ...contradictions] };
}

/** Checks are read one by one; here they only have to be a list. */
function withoutChecks(root: MapNode): MapNode {
  const entries = [...root.entries].map(([key, entry]) => {
    const isList = key === "checks" && entry.value.type === "list";
    return [key, isList ? { ...entry, value: { ...entry.value, items: [] } } : entry] as const;
  });
  return { ...root, entries: new Map(entries) };
}

function checkDefaults(root: MapNode, { defaults }: FileOptions): readonly ConfigProblem[] {
  const own = { timeoutMs: defaults.timeout, failingIntervalMs: defaults.failingInterval };
  const times = { intervalMs: defaults.interval ?? Number.POSITIVE_INFINITY, timeoutMs: defaults.timeout ?? 0 };
  const facts = Object.keys(defaults.thresholds ?? {}).filter((name) => name !== "duration_ms");
  return [
    ...mistakesInTimes(own, times).map(([key, mistake]) => problemAt(root, ["defaults", key], [], mistake)),
    ...facts.map((name) =>
      problemAtKey(root, ["defaults", "thresholds", name], {
        problem: "is no fact of every kind",
        mend: "use `duration_ms` here, and set others on the check itself",
      }),
    ),
  ];
}

function checkConcurrency(root: MapNode, { concurrency }: FileOptions, kinds: readonly CheckKind[]) {
  const known = kinds.map(({ kind }) => kind);
  return Object.keys(concurrency.perKind)
    .filter((kind) => !known.includes(kind))
    .map((kind) =>
      problemAtKey(root, ["concurrency", "perKind", kind], { problem: "is no kind", mend: suggest(kind, known) }),
    );
}

function problemAtKey(root: MapNode, path: NodePath, mistake: { problem: string; mend: string }): ConfigProblem {
  return { ...findNode(root, path).keyPlace, path: formatPath(path), ...mistake };
}
