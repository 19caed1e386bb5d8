/** Feeds one target for a while, in a process of its own: what hangs or dies takes nothing else with it. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keep, materialOf } from "./corpus.js";
import { startCoverage } from "./coverage.js";
import type { StartedTarget } from "./fuzz-target.js";
import { mutate } from "./mutate.js";
import { createRandom, type Random } from "./random.js";
import { targets } from "./targets.js";

const [name = "", secondsText = "0", seedText = "1", inputFolder = ""] = process.argv.slice(2);
const target = targets.find((each) => each.name === name);
if (!target) throw new Error(`no target ${name}`);

const tell = (message: object): void => void process.send?.(message);
const found = new Set<string>();

/** Findings that differ in numbers and texts only are one. */
function report(error: unknown, inputs: Iterable<Buffer>): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const sort = text.slice(0, 200).replace(/"[^"]*"|\d+/g, "#");
  if (found.has(sort)) return;
  found.add(sort);
  const files = [...inputs].map((input) => keep(name, "finding", input));
  tell({ finding: text.slice(0, 2_000), files });
}

/** What is being judged, and where the parent finds it if we never come back. */
const current = new Map<string, Buffer>();
process.on("uncaughtException", (error) => report(error, current.values()));
process.on("unhandledRejection", (error) => report(error, current.values()));

async function judge(started: StartedTarget, input: Buffer, lane: string): Promise<void> {
  current.set(lane, input);
  writeFileSync(join(inputFolder, lane), input);
  try {
    await started.judge(input);
  } catch (error) {
    report(error, [input]);
  }
  current.delete(lane);
}

async function judgeAll(lanes: readonly StartedTarget[], inputs: readonly Buffer[]): Promise<void> {
  const waiting = [...inputs];
  const serve = async (started: StartedTarget, index: number): Promise<void> => {
    for (let input = waiting.pop(); input !== undefined; input = waiting.pop()) await judge(started, input, `${index}`);
    rmSync(join(inputFolder, `${index}`), { force: true });
  };
  await Promise.all(lanes.map(serve));
}

/** Inputs that reached something new, beyond the seeds; when there are more, any of them gives way. */
const maxPool = 3_000;
const maxBatch = 256;
/** Time for runs, for each time of a look at the coverage. */
const runsPerLook = 4;

/** Once all of the seeds and what is kept, then what is made of them, until the time is over. */
async function fuzz(): Promise<void> {
  if (!target) return;
  const lanes = await Promise.all(Array.from({ length: target.lanes ?? 1 }, () => target.start()));
  const material = materialOf(target);
  const seedCount = material.pool.length;
  const random = createRandom(Number(seedText));
  const coverage = await startCoverage();
  await judgeAll(lanes, material.pool);
  await coverage.hasNews();
  const untilMs = performance.now() + Number(secondsText) * 1_000;
  let runs = seedCount;
  let batchSize = lanes.length;
  while (performance.now() < untilMs) {
    const inputs = Array.from({ length: batchSize }, () => mutate(random, material));
    const beginMs = performance.now();
    await judgeAll(lanes, inputs);
    const judgedMs = performance.now();
    if (await coverage.hasNews()) for (const input of inputs) addTo(material.pool, seedCount, input, random);
    runs += inputs.length;
    const wanted = (runsPerLook * (performance.now() - judgedMs) * inputs.length) / (judgedMs - beginMs + 0.001);
    batchSize = Math.min(maxBatch, Math.max(lanes.length, Math.round(wanted)));
    tell({ runs, pool: material.pool.length - seedCount });
    await new Promise((resolve) => setImmediate(resolve));
  }
  coverage.stop();
  await Promise.all(lanes.map((started) => started.close?.()));
}

function addTo(pool: Buffer[], seedCount: number, input: Buffer, random: Random): void {
  if (pool.length < maxPool) pool.push(input);
  else pool[seedCount + random(pool.length - seedCount)] = input;
}

await fuzz();
process.disconnect?.();
