import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

/** The first is one of the agent's own (`src/cli/heap.ts`); the others let the test collect when it wants to, and only then. */
const flags = [
  "--no-allocation-site-pretenuring",
  "--expose-gc",
  "--initial-old-space-size=1024",
  "--max-old-space-size=2048",
  "--import",
  "tsx",
];

async function bytesThatOutlive(...words: readonly string[]): Promise<number> {
  const child = fileURLToPath(new URL("promotion-child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, ...words]);
  return Number(stdout);
}

describe("of what the engine allocates for a run", () => {
  it("young collections leave almost nothing behind", async () => {
    expect(await bytesThatOutlive()).toBeLessThan(300);
  });

  it("they leave what is kept", async () => {
    expect(await bytesThatOutlive("keep")).toBeGreaterThan(300);
  });
});
