import { describe, expect, it } from "vitest";
import type { CheckFailure } from "../../src/check.js";
import { createDiskReader, readDisks } from "../../src/wire/host-disk.js";

/** 100 blocks of 4 KiB: 40 free, of which root keeps 10. */
const half = { bsize: 4_096, blocks: 100, bfree: 40, bavail: 30, type: 0, files: 0, ffree: 0 };
const never = new Promise<never>(() => {});

type Stat = Parameters<typeof createDiskReader>[0];
const readerOf = (stat: (path: string) => Promise<unknown>) => createDiskReader(stat as Stat);

const failing = (code: string) =>
  readerOf(async () => {
    throw Object.assign(new Error(`${code}: planted detail`), { code });
  });

describe("reading a disk", () => {
  it("counts as df does: what root keeps back is neither used nor free", async () => {
    expect(await readerOf(async () => half)("/data")).toEqual({
      path: "/data",
      usedPercent: (100 * 60) / 90,
      freeBytes: 30 * 4_096,
    });
  });

  it("calls a disk full when only root could still write", async () => {
    const { usedPercent } = await readerOf(async () => ({ ...half, bavail: 0 }))("/");
    expect(usedPercent).toBe(100);
  });

  it.each([
    ["ENOENT", "not_found", "/data does not exist"],
    ["ENOTDIR", "not_found", "/data does not exist"],
    ["EACCES", "auth", "/data may not be read"],
    ["EIO", "unexpected", "/data cannot be read (EIO)"],
  ])("says %s as %s", async (code, reason, message) => {
    const failure = (await failing(code)("/data").catch((error: unknown) => error)) as CheckFailure;
    expect([failure.reason, failure.message, failure.detail]).toEqual([reason, message, `${code}: planted detail`]);
  });

  it("refuses a file system without a size, such as /proc", async () => {
    await expect(readerOf(async () => ({ ...half, blocks: 0, bfree: 0, bavail: 0 }))("/proc")).rejects.toThrow(
      /without a size/,
    );
  });

  it("asks a path that hangs no second time: each call would hold one of four file threads", async () => {
    let calls = 0;
    const read = readerOf(() => {
      calls += 1;
      return never;
    });
    void read("/nfs");
    await expect(read("/nfs")).rejects.toThrow("/nfs has not answered since an earlier run");
    expect(calls).toBe(1);
  });

  it("asks again once the answer has come", async () => {
    const read = readerOf(async () => half);
    await read("/");
    expect((await read("/")).path).toBe("/");
  });
});

describe("reading several disks", () => {
  it("lets one that hangs cost the others nothing", async () => {
    const read = readerOf((path) => (path === "/nfs" ? never : Promise.resolve(half)));
    const [fine, hung] = await readDisks(["/", "/nfs"], read, 20);
    expect(fine).toMatchObject({ path: "/", freeBytes: 30 * 4_096 });
    expect(hung).toMatchObject({ path: "/nfs", failure: { reason: "timeout", message: "/nfs does not answer" } });
  });

  it("reads none when there are none", async () => {
    expect(
      await readDisks(
        [],
        readerOf(() => never),
        20,
      ),
    ).toEqual([]);
  });
});
