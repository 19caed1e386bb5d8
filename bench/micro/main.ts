/**
 * What parts of the hot path cost, inside one process and without network: `npm run bench:micro [-- NAME … --json]`.
 * Each is measured in a process of its own, so that none runs code that another one has shaped.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { conditionsNow, conditionsText, loadNow } from "../machine/conditions.js";
import { type FigureName, type Figures, figures as known } from "../side-by-side/figures.js";

/** Each exports `measure`. */
const names = ["bookkeeping", "transition", "scheduler", "exposition", "report", "config"] as const;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, alone: { type: "boolean", default: false } },
});

async function measureApart(name: string): Promise<Figures> {
  const child = fork(fileURLToPath(import.meta.url), ["--alone", name]);
  const [figures] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`))),
  ])) as [Figures];
  return figures;
}

async function measureAll(): Promise<void> {
  const wanted = names.filter((name) => positionals.length === 0 || positionals.includes(name));
  if (wanted.length === 0) throw new Error(`nothing is named so; there are ${names.join(", ")}`);
  if (!options.json) console.log(`${conditionsText(conditionsNow())}, load ${loadNow()} before\n`);
  const all: Record<string, number> = {};
  for (const name of wanted) {
    const figures = await measureApart(name);
    Object.assign(all, figures);
    if (!options.json) print(figures);
  }
  if (options.json) console.log(JSON.stringify(all));
}

function print(figures: Figures): void {
  for (const [name, value] of Object.entries(figures) as [FigureName, number][]) {
    const { title, digits } = known[name];
    console.log(`${value.toFixed(digits).padStart(9)}  ${title}`);
  }
}

if (options.alone) {
  const { measure } = (await import(`./${positionals[0]}.ts`)) as { measure(): Promise<Figures> };
  process.send?.(await measure());
  process.disconnect();
} else await measureAll();
