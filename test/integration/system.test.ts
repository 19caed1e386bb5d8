import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import type { Check, Facts } from "../../src/check.js";
import { systemKind } from "../../src/kinds/system.js";
import { runOnce } from "../servers/run.js";

const isLinux = process.platform === "linux";
const checks: Check[] = [];
afterEach(async () => {
  for (const check of checks.splice(0)) await check.close?.();
});

function create(options: object): Check {
  const check = systemKind.create(systemKind.options.parse(options));
  checks.push(check);
  return check;
}

async function factsOf(check: Check): Promise<Facts> {
  const { outcome, failure } = await runOnce(check);
  expect(failure?.message).toBeUndefined();
  return outcome?.facts ?? {};
}

const numberIn = (facts: Facts, name: string): number => {
  const value = facts[name];
  if (typeof value !== "number") throw new Error(`${name} is ${value}`);
  return value;
};

/** Keeps this process busy, and its event loop waiting. A monitor that was just read needs a tick to measure from. */
async function block(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 250));
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe("the machine that the tests run on", () => {
  it("has figures that can be", async () => {
    const facts = await factsOf(create({ scope: "host" }));
    for (const name of ["memory_percent", "cpu_percent", "disk_percent"]) {
      expect(numberIn(facts, name)).toBeGreaterThanOrEqual(0);
      expect(numberIn(facts, name)).toBeLessThanOrEqual(100);
    }
    expect(numberIn(facts, "memory_percent")).toBeGreaterThan(0);
    expect(numberIn(facts, "memory_available_gb") * 1_024 ** 3).toBeLessThan(totalmem());
  });

  it.skipIf(!isLinux)("agrees with df about its disk", async () => {
    const path = tmpdir();
    const facts = await factsOf(create({ disks: [path] }));
    const { bavail, bsize } = statfsSync(path);
    const said = /(\d+)%/.exec(execFileSync("df", ["--output=pcent", path], { encoding: "utf8" }))?.[1];
    expect(Math.abs(numberIn(facts, "disk_free_gb") - (bavail * bsize) / 1_024 ** 3)).toBeLessThan(0.5);
    // df rounds up.
    expect(Math.abs(numberIn(facts, "disk_percent") - Number(said))).toBeLessThan(1.5);
  });

  it("sees its own process at work, in the CPU and in the event loop", async () => {
    const check = create({ scope: "host" });
    await factsOf(check);
    await block(600);
    const facts = await factsOf(check);
    expect(numberIn(facts, "cpu_percent")).toBeGreaterThan(0);
    expect(numberIn(facts, "event_loop_delay_ms")).toBeGreaterThan(300);
  });

  it("forgets a stall with the run that told it", async () => {
    const check = create({ scope: "host" });
    await factsOf(check);
    await block(600);
    await factsOf(check);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(numberIn(await factsOf(check), "event_loop_delay_ms")).toBeLessThan(300);
  });

  it("says that a path does not exist", async () => {
    const { failure } = await runOnce(create({ disks: ["/", "/no/such/path"] }));
    expect(failure).toMatchObject({ reason: "not_found", message: "/no/such/path does not exist" });
    expect(failure?.facts).toHaveProperty("disk_percent");
  });

  it("refuses /proc as a disk", async () => {
    const { failure } = await runOnce(create({ disks: [isLinux ? "/proc" : "/no/such"] }));
    expect(failure?.reason).toBe(isLinux ? "unexpected" : "not_found");
  });

  it("leaves nothing open: the process ends by itself after close", () => {
    const script = `
      import { systemKind } from "./src/kinds/system.js";
      const check = systemKind.create(systemKind.options.parse({}));
      const trace = { client: () => Promise.reject(new Error("no remote call here")) };
      await check.run({ signal: new AbortController().signal, timeoutMs: 2000, trace });
      await check.close();
    `;
    execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], { timeout: 20_000 });
  });
});
