import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { findServer } from "../../../scripts/programs.js";
import { blackbox } from "./blackbox.js";
import { cloudprober } from "./cloudprober.js";
import { gatus } from "./gatus.js";
import { healthspan } from "./healthspan.js";
import type { System } from "./system.js";

/** Where programs are that are not found by themselves. */
export interface Paths {
  readonly blackbox?: string | undefined;
  readonly prometheus?: string | undefined;
  readonly cloudprober?: string | undefined;
  readonly gatus?: string | undefined;
  /** More Nodes that ours is measured with: `24`, or the path of one. */
  readonly node?: readonly string[] | undefined;
  /** More builds of ours: `LABEL=dist/cli/main.js`. */
  readonly main?: readonly string[] | undefined;
}

export interface Found {
  readonly systems: readonly System[];
  /** A sentence for each system that is absent. */
  readonly absent: readonly string[];
}

/** What there is to measure on this machine. */
export function findSystems(paths: Paths): Found {
  const programs = {
    blackbox: given(paths.blackbox) ?? findServer("blackbox_exporter"),
    prometheus: given(paths.prometheus) ?? findServer("prometheus"),
  };
  const systems: System[] = [healthspan({ name: "healthspan", label: "Healthspan" })];
  const absent: string[] = [];
  systems.push(...(paths.node ?? []).map(underNode), ...(paths.main ?? []).map(builtElsewhere));
  const { blackbox: exporter, prometheus } = programs;
  if (exporter && prometheus) systems.push(blackbox({ blackbox: exporter, prometheus }));
  else absent.push("blackbox_exporter + Prometheus: not installed; npm run servers installs both");
  const prober = given(paths.cloudprober) ?? findServer("cloudprober");
  if (prober) systems.push(cloudprober(prober));
  else absent.push("Cloudprober: not built; npm run bench:peers does it, or --cloudprober PATH names one");
  const gatusProgram = given(paths.gatus) ?? findServer("gatus");
  if (gatusProgram) systems.push(...[false, true].map((isUnlimited) => gatus(gatusProgram, { isUnlimited })));
  else absent.push("Gatus: not built; npm run bench:peers does it, or --gatus PATH names one");
  return { systems, absent };
}

/** Each system runs in a folder of its own. */
const given = (path: string | undefined): string | undefined => path && resolve(path);

function underNode(said: string): System {
  const node = existsSync(said) ? said : fetchedNode(said);
  const version = execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim();
  const major = version.split(".")[0];
  return healthspan({ name: `healthspan-node${major}`, label: `Healthspan, Node ${major}`, node });
}

/** By npm, as `npm run nodes` does it. */
function fetchedNode(version: string): string {
  const exec = [
    "exec",
    "--yes",
    "--loglevel=error",
    `--package=node@${version}`,
    "--",
    "node",
    "-p",
    "process.execPath",
  ];
  return execFileSync("npm", exec, { encoding: "utf8" }).trim();
}

function builtElsewhere(said: string): System {
  const [label = "", main] = said.split("=", 2);
  if (main === undefined) throw new Error(`--main ${said} has no path; write --main LABEL=dist/cli/main.js`);
  return healthspan({ name: `healthspan-${label}`, label: `Healthspan, ${label}`, main });
}
