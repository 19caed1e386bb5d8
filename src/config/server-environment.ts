import { type MapEntry, type MapNode, type Place, scalarNode } from "./node.js";
import type { Environment } from "./sources.js";

/** The variables of containers and of no-file mode, and the keys of `server` they stand for. */
export const serverVariables: Readonly<Record<string, string>> = {
  HEALTHSPAN_HOST: "host",
  HEALTHSPAN_PORT: "port",
  HEALTHSPAN_TOKEN: "token",
  HEALTHSPAN_METRICS_TOKEN: "metricsToken",
  HEALTHSPAN_DETAILS: "details",
  HEALTHSPAN_TRUST_LOOPBACK: "trustLoopback",
  HEALTHSPAN_READINESS: "readiness",
  HEALTHSPAN_DRAIN_DELAY: "drainDelay",
};

/** The environment as a layer below every file. */
export function readServerEnvironment(env: Environment): MapNode {
  const entries = new Map<string, MapEntry>();
  for (const [name, key] of Object.entries(serverVariables)) {
    const text = env[name];
    if (text === undefined) continue;
    const place = variablePlace(name);
    entries.set(key, { keyPlace: place, value: { ...scalarNode(text, place), references: [`env ${name}`] } });
  }
  const root = variablePlace("");
  if (entries.size === 0) return { type: "map", place: root, entries };
  const server: MapEntry = { keyPlace: root, value: { type: "map", place: root, entries } };
  return { type: "map", place: root, entries: new Map([["server", server]]) };
}

const variablePlace = (name: string): Place => ({
  file: name === "" ? "environment" : `environment ${name}`,
  line: 0,
  column: 0,
});
