import { type MapEntry, type MapNode, type Place, scalarNode } from "./node.js";
import type { ConfigProblem } from "./problem.js";
import type { Environment } from "./sources.js";

/** The variables of containers and of no-file mode, and the settings they stand for: section and key. */
export const settingVariables: Readonly<Record<string, readonly [section: string, key: string]>> = {
  HEALTHSPAN_HOST: ["server", "host"],
  HEALTHSPAN_PORT: ["server", "port"],
  HEALTHSPAN_TOKEN: ["server", "token"],
  HEALTHSPAN_METRICS_TOKEN: ["server", "metricsToken"],
  HEALTHSPAN_DETAILS: ["server", "details"],
  HEALTHSPAN_TRUST_LOOPBACK: ["server", "trustLoopback"],
  HEALTHSPAN_READINESS: ["server", "readiness"],
  HEALTHSPAN_DRAIN_DELAY: ["server", "drainDelay"],
  HEALTHSPAN_SHARD_INDEX: ["shard", "index"],
  HEALTHSPAN_SHARD_OF: ["shard", "of"],
};

/** The environment as a layer below every file. */
export function readSettingVariables(env: Environment): MapNode {
  const sections = new Map<string, Map<string, MapEntry>>();
  for (const [name, [section, key]] of Object.entries(settingVariables)) {
    const text = env[name];
    // A shard's two empty variables are no shard; an empty token has to be refused where secrets are.
    if (text === undefined || (text === "" && section === "shard")) continue;
    const place = variablePlace(name);
    const entries = sections.get(section) ?? new Map<string, MapEntry>();
    entries.set(key, { keyPlace: place, value: { ...scalarNode(text, place), references: [`env ${name}`] } });
    sections.set(section, entries);
  }
  return mapNode(new Map([...sections].map(([section, entries]) => [section, entryOf(mapNode(entries))])));
}

/** Who sets a section by variables alone looks for the variable that is missing, not for a key of a file. */
export function byVariable(problem: ConfigProblem): ConfigProblem {
  const [name] =
    Object.entries(settingVariables).find(([, [section, key]]) => problem.path === `${section}.${key}`) ?? [];
  if (problem.file !== variablePlace("").file || name === undefined) return problem;
  const { file } = variablePlace(name);
  return { ...problem, file, mend: problem.mend.replace(/^add `\w+:` with/, `set ${name} to`) };
}

const mapNode = (entries: MapNode["entries"]): MapNode => ({ type: "map", place: variablePlace(""), entries });
const entryOf = (value: MapNode): MapEntry => ({ keyPlace: value.place, value });

const variablePlace = (name: string): Place => ({
  file: name === "" ? "environment" : `environment ${name}`,
  line: 0,
  column: 0,
});
