import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keptCorpus, keptNames, materialOf } from "./corpus.js";
import type { StartedTarget } from "./fuzz-target.js";
import { mutate } from "./mutate.js";
import { createRandom } from "./random.js";
import { targets } from "./targets.js";

describe.concurrent.each(targets.map((target) => [target.name, target] as const))("%s", (name, target) => {
  let started: StartedTarget;
  beforeAll(async () => {
    started = await target.start();
  });
  afterAll(() => started.close?.());

  it("holds for its seeds, for everything that was kept, and for inputs made of them", async () => {
    for (const { file, bytes } of keptCorpus(name)) await judged(started, bytes, file);
    const material = materialOf(target);
    for (const bytes of material.pool) await judged(started, bytes, "seed");
    const random = createRandom(20_261_121);
    for (let left = target.runsInTests; left > 0; left--) await judged(started, mutate(random, material), "mutated");
  });
});

async function judged(started: StartedTarget, bytes: Buffer, file: string): Promise<void> {
  try {
    await started.judge(bytes);
  } catch (error) {
    throw new Error(`${file}: ${JSON.stringify(bytes.toString("latin1").slice(0, 2_000))}`, { cause: error });
  }
}

describe("the table of targets", () => {
  it("has every file of its folder, each name once, and a target for each folder of the corpus", () => {
    const files = readdirSync(fileURLToPath(new URL("targets", import.meta.url)));
    const names = targets.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(files.length).toBeGreaterThan(0);
    expect(names).toEqual(expect.arrayContaining([...keptNames()]));
  });
});
