import type { CheckKind } from "../check.js";
import { mistakesInTimes } from "./check-section.js";
import { findNode, formatPath, type MapNode, type NodePath } from "./node.js";
import { type FileOptions, fileOptions } from "./options.js";
import type { ConfigProblem } from "./problem.js";
import { suggest } from "./suggest.js";
import { problemAt, validate } from "./validate.js";

export interface Sections {
  readonly value: FileOptions | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** Everything of a config but its checks. */
export function readSections(root: MapNode, kinds: readonly CheckKind[]): Sections {
  const { value, problems } = validate({ node: root, schema: fileOptions });
  const contradictions = value ? [...checkDefaults(root, value), ...checkConcurrency(root, value, kinds)] : [];
  return { value, problems: [...problems, ...contradictions] };
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
