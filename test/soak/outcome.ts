import type { Verdict } from "./judge.js";
import { series } from "./series.js";
import type { Soaked } from "./soak.js";
import type { Surrounding } from "./stage.js";

/** What is wrong with the agent, or with the soak: one that did not reach a check proves nothing of it. */
export function complaintsOf({ died, page }: Soaked, { lanes }: Surrounding, verdicts: readonly Verdict[]): string[] {
  const rising = verdicts.filter(({ isRising }) => isRising).map(({ name }) => series[name].title);
  const runs = page?.runs ?? new Map<string, Readonly<Record<string, number>>>();
  const unreached = lanes
    .flatMap(({ staying }) => staying)
    .filter(({ name }) => (runs.get(name)?.healthy ?? 0) === 0)
    .map(({ name }) => `${name} was never healthy: ${JSON.stringify(runs.get(name) ?? {})}`);
  const internal = [...runs]
    .filter(([, found]) => found.internal)
    .map(([name]) => `${name} failed by a mistake of ours`);
  return [...(died === undefined ? [] : [`the agent ended:\n${died}`]), ...rising, ...unreached, ...internal];
}

/** What happened meanwhile, in one line. */
export function summaryOf({ page, requests, edits }: Soaked, { lanes, sink }: Surrounding): string {
  const found: Record<string, number> = {};
  for (const ofCheck of page?.runs.values() ?? [])
    for (const [reason, count] of Object.entries(ofCheck)) found[reason] = (found[reason] ?? 0) + count;
  const mishaps = lanes.flatMap((lane) => lane.mishaps);
  const faults = lanes.reduce((sum, { faultsSeen }) => sum + faultsSeen, 0);
  return [
    `runs of checks that are still there: ${counts(found)}`,
    `${faults} faults, ${edits} changes of the configuration`,
    `answers by status: ${counts(requests)}`,
    `${sink.received} OTLP requests, ${page?.dropped ?? "?"} spans, metric points and log records dropped, ${page?.missed ?? "?"} missed runs`,
    ...(mishaps.length > 0 ? [`faults that did not come about: ${mishaps.join("; ")}`] : []),
  ].join(";\n");
}

const counts = (record: Readonly<Record<string, number>>): string =>
  Object.entries(record)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
