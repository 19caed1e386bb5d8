/** `npm run fuzz`: each target in a process of its own, watched from outside. See docs/robustness.md. */
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { keep } from "./corpus.js";
import { targets } from "./targets.js";

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    parallel: { type: "string", default: "2" },
  },
});

/** No news for so long means that an input never comes to its end; a loaded machine has room in it. */
const hungAfterMs = 60_000;
/** What a reader may hold of hostile bytes, the compiler and the corpus beside it. */
const maxHeapMebibytes = 512;

interface Outcome {
  readonly name: string;
  runs: number;
  pool: number;
  findings: number;
  readonly beganMs: number;
  seconds: number;
}

const scratch = mkdtempSync(join(tmpdir(), "healthspan-fuzz-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

function fuzz(name: string): Promise<Outcome> {
  const outcome: Outcome = { name, runs: 0, pool: 0, findings: 0, beganMs: performance.now(), seconds: 0 };
  const inputFolder = join(scratch, name);
  mkdirSync(inputFolder);
  const child = fork(
    fileURLToPath(new URL("worker.ts", import.meta.url)),
    [name, values.seconds, values.seed, inputFolder],
    {
      execArgv: ["--import", "tsx", `--max-old-space-size=${maxHeapMebibytes}`],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  const hung = (): void => void child.kill("SIGKILL");
  let timer = setTimeout(hung, hungAfterMs);
  child.on("message", (message: { runs?: number; pool?: number; finding?: string; files?: readonly string[] }) => {
    clearTimeout(timer);
    timer = setTimeout(hung, hungAfterMs);
    outcome.runs = message.runs ?? outcome.runs;
    outcome.pool = message.pool ?? outcome.pool;
    if (message.finding === undefined) return;
    outcome.findings++;
    console.log(`\n${name}: ${message.finding}\n  kept as ${message.files?.join(", ")}`);
  });
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      outcome.seconds = (performance.now() - outcome.beganMs) / 1_000;
      if (code !== 0) {
        outcome.findings++;
        const prefix = signal === "SIGKILL" ? "hang" : "crash";
        const inputs = readdirSync(inputFolder).map((lane) => readFileSync(join(inputFolder, lane)));
        const files = inputs.map((input) => keep(name, prefix, input));
        console.log(
          `\n${name}: ended by ${signal ?? `exit code ${code}`}; what it was fed is kept as ${files.join(", ")}`,
        );
      }
      resolve(outcome);
    });
  });
}

const chosen = values.target ?? targets.map(({ name }) => name);
const unknown = chosen.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0) {
  console.error(`no target ${unknown.join(", ")}; there are ${targets.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
console.log(`seed ${values.seed}, ${values.seconds} s each, ${values.parallel} at a time`);
const waiting = [...chosen];
const outcomes: Outcome[] = [];
async function lane(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const outcome = await fuzz(name);
    outcomes.push(outcome);
    const { runs, pool, findings, seconds } = outcome;
    console.log(
      `${name}: ${runs} runs in ${Math.round(seconds)} s, ${pool} inputs reached new code, ${findings} findings`,
    );
  }
}
await Promise.all(Array.from({ length: Number(values.parallel) }, lane));
process.exit(outcomes.some(({ findings }) => findings > 0) ? 1 : 0);
