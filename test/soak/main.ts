/** Endurance: `npm run soak`. The built agent among failing dependencies, watched for what grows. Linux only. */
import { appendFileSync, writeFileSync } from "node:fs";
import { conditionsNow, conditionsText, loadNow } from "../../bench/machine/conditions.js";
import { hasEnded, wasInterrupted } from "./ending.js";
import { judge } from "./judge.js";
import { readOptions, type SoakOptions, usage } from "./options.js";
import { complaintsOf, summaryOf } from "./outcome.js";
import { soak } from "./soak.js";
import { setStage } from "./stage.js";
import { verdictTable } from "./table.js";

const progressEverySeconds = 30;

async function main(options: SoakOptions): Promise<number> {
  const note = (line: object): void => {
    if (options.out !== undefined) appendFileSync(options.out, `${JSON.stringify(line)}\n`);
  };
  if (options.out !== undefined) writeFileSync(options.out, "");
  const conditions = { ...conditionsNow(), loadBefore: loadNow() };
  note({ ...conditions, ...options });
  console.log(`${conditionsText(conditions)}, load ${conditions.loadBefore} before; ${options.minutes} minutes`);
  const surrounding = await setStage(options);
  try {
    if (hasEnded()) return 1;
    for (const line of surrounding.leftOut) console.log(`left out: ${line}`);
    console.error(`soaking ${surrounding.lanes.map(({ row }) => row.name).join(", ")}, system`);
    let toldSeconds = 0;
    const soaked = await soak(surrounding, options, {
      onSample: (sample) => {
        note(sample);
        const { atSeconds, values } = sample;
        if (atSeconds < toldSeconds + progressEverySeconds) return;
        toldSeconds = atSeconds;
        const { rss = 0, files = 0 } = values;
        console.error(`${Math.round(atSeconds)} s: RSS ${rss.toFixed(0)} MB, ${files} open files`);
      },
    });
    const verdicts = judge(soaked.samples);
    const complaints = complaintsOf(soaked, surrounding, verdicts);
    note({ verdicts, complaints, loadAfter: loadNow(), page: { ...soaked.page, runs: undefined } });
    console.log(`\n${verdictTable(verdicts)}\n\n${summaryOf(soaked, surrounding)}; load ${loadNow()} at the end`);
    for (const complaint of complaints) console.log(`NOT FLAT: ${complaint}`);
    if (wasInterrupted()) console.log("interrupted: judged by what there was");
    return complaints.length > 0 || wasInterrupted() ? 1 : 0;
  } finally {
    await surrounding.close();
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options) process.exit(await main(options));
  console.log(usage);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
