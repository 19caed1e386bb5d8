/**
 * What a run of each kind costs, and what its driver weighs: `npm run bench:kinds [-- --runs 500 --repeat 3 --only redis]`.
 * Each figure comes from a process of its own, an agent with this one check, every run traced and exported, metrics on;
 * rounds go through all kinds in turn, so that a busy machine disturbs all alike. Prints a table; JSON lines with --json.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { conditionsNow, conditionsText, loadNow } from "../machine/conditions.js";
import { NeutralTarget } from "../machine/neutral-target.js";
import { summary } from "../machine/summary.js";
import { isThere, type Target, targets } from "./servers.js";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "500" },
    repeat: { type: "string", default: "3" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

interface Measured {
  readonly before: number;
  readonly firstRunMs: number;
  readonly loaded: number;
  readonly after: number;
  readonly cpuUs: number;
}

interface Row {
  readonly label: string;
  readonly server: string;
  readonly check: Readonly<Record<string, unknown>>;
  readonly rounds: Measured[];
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function messageOf(child: ChildProcess): Promise<unknown> {
  const exit = once(child, "exit").then(([code]) => {
    throw new Error(`the measured process ended with ${code}`);
  });
  exit.catch(() => undefined);
  const [message] = await Promise.race([once(child, "message"), exit]);
  return message;
}

async function measure(check: Row["check"], otlp: string): Promise<Measured> {
  const words = JSON.stringify({ check, otlp, runs: Number(options.runs) });
  const child = fork(path("process.mjs"), [words], { execArgv: [] });
  const ended = once(child, "exit");
  const measured = (await messageOf(child)) as Measured;
  await ended;
  return measured;
}

const neutral = await NeutralTarget.start();
const started: Target[] = [];
const rows: Row[] = [];
const leftOut: string[] = [];
const loadBefore = loadNow();
try {
  for (const [server, { needs, start }] of Object.entries(targets)) {
    if (options.only !== undefined && !server.toLowerCase().includes(options.only.toLowerCase())) continue;
    if (!isThere(needs)) {
      leftOut.push(server);
      continue;
    }
    const target = await start();
    started.push(target);
    for (const [label, check] of Object.entries(target.checks)) rows.push({ label, server, check, rounds: [] });
  }
  for (let round = 0; round < Number(options.repeat); round += 1) {
    for (const { label, server, check, rounds } of rows) {
      const measured = await measure(check, neutral.sinkUrl);
      rounds.push(measured);
      if (options.json) console.log(JSON.stringify({ kind: label, server, ...measured }));
    }
  }
} finally {
  neutral.stop();
  await Promise.all(started.map((target) => target.stop()));
}

console.log(`\n${conditionsText(conditionsNow())}; load ${loadBefore} before and ${loadNow()} after`);
console.log(`${options.runs} runs after 500 to warm up, median (range) of ${options.repeat}\n`);
console.log("| kind | server | CPU µs a run | first run ms | RSS MB before | after the first run | after all |");
console.log("|---|---|---|---|---|---|---|");
for (const { label, server, rounds } of rows) {
  const column = (key: keyof Measured, digits = 0): string => {
    return summary(
      rounds.map((round) => round[key]),
      digits,
    );
  };
  const figures = [column("cpuUs"), column("firstRunMs"), column("before"), column("loaded"), column("after")];
  console.log(`| ${[label, server, ...figures].join(" | ")} |`);
}
for (const server of leftOut) console.log(`Left out: ${server} is not installed; npm run servers installs it`);
