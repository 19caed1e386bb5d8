import { afterEach, describe, expect, it } from "vitest";
import { readHostCpu } from "../../src/wire/host-cpu.js";
import { readHostMemory } from "../../src/wire/host-memory.js";
import { createHostTree, type HostFiles, type HostTree, host, mebibyte } from "./host-tree.js";

const trees: HostTree[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});
function rootOf(files: HostFiles): string {
  const tree = createHostTree(files);
  trees.push(tree);
  return tree.root;
}

describe("the machine's memory", () => {
  it("is what /proc/meminfo says is available, not what is free", async () => {
    expect(await readHostMemory(rootOf(host))).toEqual({
      totalBytes: 8_192 * mebibyte,
      availableBytes: 6_144 * mebibyte,
    });
  });

  it.each(["linux", "win32"] as const)("comes from the os module on %s without /proc", async (platform) => {
    const memory = await readHostMemory(rootOf({}), platform);
    expect(memory?.totalBytes).toBeGreaterThan(memory?.availableBytes ?? Number.POSITIVE_INFINITY);
    expect(memory?.availableBytes).toBeGreaterThan(0);
  });

  it("is unknown where the os module counts only pages that nothing uses: macOS would always look full", async () => {
    expect(await readHostMemory(rootOf({}), "darwin")).toBeUndefined();
  });
});

describe("the machine's CPU time", () => {
  it("leaves out idling and waiting for disks, and counts guests once", async () => {
    expect(await readHostCpu(rootOf(host))).toEqual({ used: 300, capacity: 1_000 });
  });

  it.each([["cpu x\n"], ["cpu  1 2\n"], [""]])("comes from the os module when /proc/stat is %j", async (text) => {
    const { used, capacity } = await readHostCpu(rootOf({ "proc/stat": text }));
    expect(capacity).toBeGreaterThan(used);
    expect(used).toBeGreaterThan(0);
  });
});
