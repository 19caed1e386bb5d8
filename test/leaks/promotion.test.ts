import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const flags = ["--expose-gc", "--initial-old-space-size=1024", "--max-old-space-size=2048", "--import", "tsx"];

async function bytesThatOutlive(...words: readonly string[]): Promise<number> {
  const child = fileURLToPath(new URL("promotion-child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, ...words]);
  return Number(stdout);
}

describe("of what a run allocates", () => {
  it("young collections leave almost nothing behind", async () => {
    expect(await bytesThatOutlive()).toBeLessThan(300);
  });

  it("they leave what is kept", async () => {
    expect(await bytesThatOutlive("keep")).toBeGreaterThan(300);
  });
});
