import { conditionsText } from "../machine/conditions.js";
import { median } from "../machine/summary.js";
import { elsewhere } from "./elsewhere.js";
import { type FigureName, type Figures, figureNames, figures, nameOf } from "./figures.js";
import { type Judged, judge } from "./goals.js";
import { isMarked, type Results } from "./row.js";
import { type Scenario, scenarios } from "./scenarios.js";
import { mark, markdown, tableOf, valuesOf } from "./table.js";

const ours = "healthspan";
/** Of the peers, the one that does most like ours: one process, a connection a probe. */
const yardstick = "cloudprober";

/** docs/performance.md, from the results that are committed. */
export function performancePage(results: Results): string {
  return `${[
    `# Performance

Written by \`npm run bench -- --repeat 3 --write\` ([how it measures](../bench/README.md)); not edited by hand.${trial(results)}
${conditions(results)}`,
    `## Beside the others\n\n${ratios(results)}`,
    `## Goals\n\n${goalTables(results)}${worth(results)}`,
    `## All figures\n\n${allFigures(results)}`,
    `## Measured elsewhere\n\n${measuredElsewhere()}`,
  ].join("\n\n")}\n`;
}

/** Windows of another length than the scenarios have: nothing to quote. */
function trial({ rows }: Results): string {
  const wanted = new Map(scenarios.map((scenario) => [scenario.name, scenario]));
  const isShort = rows.some(({ scenario, windowSeconds }) => {
    const found = wanted.get(scenario);
    return windowSeconds !== undefined && found?.measures === "load" && windowSeconds < found.windowSeconds;
  });
  return isShort
    ? "\n**These are of a trial with short windows: they show the form of the page, and are no figures to quote.**\n"
    : "";
}

function conditions({ head, rows }: Results): string {
  const rounds = Math.max(...rows.map(({ round }) => round));
  const measured = rows.filter((row) => row.figures !== undefined);
  const others = measured.map(({ othersPercent = 0 }) => othersPercent);
  const marked = measured.filter((row) => isMarked(row, head)).length;
  const systems = Object.values(head.systems).map(({ label, version }) => `${label} (${version})`);
  return `${conditionsText(head.conditions)}. ${systems.join("; ")}. Medians (and ranges) of ${rounds} ${rounds === 1 ? "round" : "rounds"}.
Loopback only; the measured system has a core of its own, target, sink and harness the other. Ours traces every run, exports
traces, metrics and events by OTLP as protobuf, and is scraped; the others trace nothing. Every probe pays for a fresh
connection. Other processes used ${median(others).toFixed(0)} % of a core (median; ${Math.max(...others).toFixed(0)} % at most); ${markedText(marked, measured.length, head.busyPercent)}`;
}

function markedText(marked: number, rows: number, busyPercent: number): string {
  if (marked === 0) return `no row had more than ${busyPercent} %.`;
  return `the ${marked} of ${rows} rows that had more than ${busyPercent} % are marked ${mark}, and say little.`;
}

/** CPU, against who was measured in the same run, and against who was measured elsewhere. */
function ratios(results: Results): string {
  const peers = Object.keys(results.head.systems).filter((name) => !name.startsWith(ours));
  const others = elsewhere.systems.filter(({ name }) => name === yardstick && !peers.includes(name));
  const lines = scenarios.flatMap(({ name, title }) => {
    const own = medianOf(results, name, ours, "cpuPercent");
    if (Number.isNaN(own)) return [];
    const here = peers.map((peer) => timesText(medianOf(results, name, peer, "cpuPercent"), own));
    const there = others.map((peer) => timesText(figureOf(peer.figures, name, "cpuPercent") ?? Number.NaN, own));
    return [[title, `${own.toFixed(1)} %`, ...here, ...there]];
  });
  const labels = peers.map((peer) => results.head.systems[peer]?.label ?? peer);
  const head = ["CPU of a core", "Healthspan", ...labels, ...others.map(({ label }) => `${label}, measured elsewhere`)];
  return `${markdown(head, lines)}

\`3.2 ×\` is 3.2 times the CPU of Healthspan for the same load; below 1 it is less. What was measured elsewhere was measured
on another machine: its ratio is a hint.`;
}

function timesText(theirs: number, own: number): string {
  return Number.isNaN(theirs) ? "–" : `${(theirs / own).toFixed(1)} × (${theirs.toFixed(1)} %)`;
}

function medianOf({ rows }: Results, scenario: string, system: string, figure: FigureName): number {
  return median(
    valuesOf(
      rows.filter((row) => row.scenario === scenario && row.system === system),
      figure,
    ),
  );
}

/** One for each of ours: Nodes, builds. */
function goalTables(results: Results): string {
  return Object.entries(results.head.systems)
    .filter(([name]) => name.startsWith(ours))
    .map(([name, { label, version }]) => {
      const judged = judge(results, name);
      const reached = judged.filter(({ isReached }) => isReached).length;
      const table = markdown(["load", "figure", "goal", "median", ""], judged.map(goalLine));
      return `${label} (${version}): ${reached} of ${judged.length} reached.\n\n${table}`;
    })
    .join("\n\n");
}

function goalLine({ goal, limit, reached, isReached }: Judged): readonly string[] {
  const { digits } = figures[goal.figure];
  const above =
    goal.above && `, above ${goal.above[0] === goal.scenario ? nameOf(goal.above[1]) : titleOf(goal.above[0])}`;
  const sign = goal.atLeast === undefined ? "≤" : "≥";
  return [
    titleOf(goal.scenario),
    `${nameOf(goal.figure)}${above ?? ""}`,
    `${sign} ${limit}`,
    reached.toFixed(digits),
    isReached ? "reached" : "**not reached**",
  ];
}

/** What the goals, which were set on another machine, mean on this one: by a program that was measured on both. */
function worth({ head, rows }: Results): string {
  const there = elsewhere.systems.find(({ name }) => name === yardstick);
  if (!there || !(yardstick in head.systems)) return "";
  const lines = scenarios.flatMap(({ name, title }) => {
    const here = medianOf({ head, rows }, name, yardstick, "cpuPercent");
    const before = figureOf(there.figures, name, "cpuPercent");
    if (Number.isNaN(here) || before === undefined) return [];
    return [[title, `${here.toFixed(1)} %`, `${before.toFixed(1)} %`, `${(here / before).toFixed(1)} ×`]];
  });
  return `

The goals were set on another machine (${elsewhere.conditions}). What the same release of the same program costs on both:

${markdown([there.label, "here", "there", ""], lines)}`;
}

const titleOf = (name: string): string => scenarios.find((scenario) => scenario.name === name)?.title ?? name;

function allFigures(results: Results): string {
  const there = scenarios.filter(({ name }) => results.rows.some(({ scenario }) => scenario === name));
  return there.map((scenario) => `### ${heading(scenario, results)}\n\n${tableOf(scenario, results)}`).join("\n\n");
}

function heading({ name, title }: Scenario, { rows }: Results): string {
  const watched = rows.find(({ scenario, windowSeconds }) => scenario === name && windowSeconds !== undefined);
  const capital = title.replace(/^[a-z]/, (letter) => letter.toUpperCase());
  if (watched === undefined) return capital;
  const { windowSeconds, settleSeconds } = watched;
  const since = settleSeconds === undefined ? "" : ` once it had run for ${settleSeconds} s and more`;
  return `${capital}, watched for ${windowSeconds} s${since}`;
}

function measuredElsewhere(): string {
  const tables = scenarios.flatMap(({ name, title }) => {
    const columns = figureNames.filter((figure) =>
      elsewhere.systems.some((system) => figureOf(system.figures, name, figure) !== undefined),
    );
    if (columns.length === 0) return [];
    const lines = elsewhere.systems
      .filter(({ figures: all }) => name in all)
      .map(({ label, figures: all }) => [label, ...columns.map((column) => `${figureOf(all, name, column) ?? "–"}`)]);
    return [
      `${title.replace(/^[a-z]/, (letter) => letter.toUpperCase())}:\n\n${markdown(["", ...columns.map((column) => figures[column].title)], lines)}`,
    ];
  });
  return [
    `Not in this run, and not on this machine: ${elsewhere.conditions}. In the same manner, one core each unless said. Give
the harness a program by its path, and it is measured beside ours.`,
    ...tables,
    elsewhere.notes.join(" "),
  ].join("\n\n");
}

function figureOf(all: Readonly<Record<string, Figures>>, scenario: string, figure: FigureName): number | undefined {
  return all[scenario]?.[figure];
}
