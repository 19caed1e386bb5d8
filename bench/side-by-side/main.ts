/**
 * Systems side by side: `npm run bench`. One at a time on one core, round by round; what counts is what a neutral target
 * saw arrive, and what the kernel says it cost. Loopback only. Linux only.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { conditionsNow, conditionsText, loadNow } from "../machine/conditions.js";
import { isInterrupted } from "../machine/interruption.js";
import { othersPercent, quietMachine } from "../machine/others.js";
import { stayOffTheMeasuredCore } from "./cores.js";
import { secondsOf } from "./duration.js";
import { measureInside } from "./measure-inside.js";
import { type Measured, measureLoad } from "./measure-load.js";
import { measureStart } from "./measure-start.js";
import { chosen, readOptions, usage } from "./options.js";
import { measureReadyz } from "./readyz.js";
import type { Head, Row } from "./row.js";
import { type Scenario, scenarios } from "./scenarios.js";
import type { System } from "./systems/system.js";
import { findSystems } from "./systems/systems.js";
import { rowText, tables } from "./table.js";

type Options = ReturnType<typeof readOptions>;

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const committedResults = path("../results/side-by-side.jsonl");
const pageWriter = path("../../scripts/generate-performance.ts");

async function measure(system: System, scenario: Scenario, seconds: number | undefined): Promise<Measured> {
  if (scenario.measures === "load") return measureLoad(system, scenario, seconds ?? scenario.windowSeconds);
  // These are over before one could tell their CPU from that of others: what others did just before has to do.
  const others = await othersPercent();
  const own = { start: measureStart, readyz: measureReadyz, inside: measureInside }[scenario.measures];
  return { othersPercent: others, ...(await own(system)) };
}

async function measureRow(system: System, scenario: Scenario, round: number, options: Options): Promise<Row> {
  const quiet = Number(options.quiet);
  if (quiet > 0) await quietMachine(quiet);
  const seconds = options.seconds === undefined ? undefined : Number(options.seconds);
  const named = { scenario: scenario.name, system: system.name, round, at: new Date().toISOString() };
  try {
    return rounded({ ...named, ...(await measure(system, scenario, seconds)) });
  } catch (error) {
    if (isInterrupted()) throw error;
    return { ...named, cannot: error instanceof Error ? error.message : String(error) };
  }
}

/** More digits than these mean nothing. */
function rounded(row: Row): Row {
  const shorter = (_: string, value: unknown) =>
    typeof value === "number" ? Math.round(value * 1_000) / 1_000 : value;
  return JSON.parse(JSON.stringify(row, shorter)) as Row;
}

async function measureAll(options: Options): Promise<void> {
  const found = findSystems(options);
  const systems = chosen(found.systems, options.systems);
  const wanted = chosen(scenarios, options.scenarios);
  const repeat = Number(options.repeat);
  const seconds = secondsOf(wanted, systems.length, options.seconds) * repeat;
  for (const sentence of found.absent) console.log(`Left out: ${sentence}`);
  for (const { name, label, version } of systems) console.log(`${name}: ${label} ${version}`);
  if (options.list) for (const { name, title } of wanted) console.log(`  ${name.padEnd(16)} ${title}`);
  console.log(
    `${conditionsText(conditionsNow())}; load ${loadNow()} before; ${repeat} × about ${minutes(seconds / repeat)}`,
  );
  if (options.list) return;

  stayOffTheMeasuredCore();
  const head: Head = {
    conditions: conditionsNow(),
    busyPercent: Number(options.busy),
    systems: Object.fromEntries(systems.map(({ name, label, version }) => [name, { label, version }])),
  };
  const rows: Row[] = [];
  const out = options.write ? committedResults : options.out;
  if (out) writeFileSync(out, `${JSON.stringify(head)}\n`);
  for (let round = 1; round <= repeat; round += 1) {
    for (const scenario of wanted) {
      for (const system of systems) {
        const row = await measureRow(system, scenario, round, options);
        rows.push(row);
        console.log(rowText(row, head));
        if (out) appendFileSync(out, `${JSON.stringify(row)}\n`);
      }
    }
  }
  console.log(`\nmedian (range) of ${repeat}\n\n${tables({ head, rows })}`);
  if (options.write) spawnSync(process.execPath, ["--import", "tsx", pageWriter], { stdio: "inherit" });
}

const minutes = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await measureAll(options);
} catch (error) {
  if (!isInterrupted()) console.error(error instanceof Error ? error.message : error);
  process.exitCode = isInterrupted() ? 130 : 1;
}
