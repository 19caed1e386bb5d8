import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { lateModule, latePackage } from "../../src/wire/late-module.js";

const shortage = vi.hoisted(() => ({ code: undefined as string | undefined }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const open: typeof fs.openSync = (...words) => {
    if (shortage.code !== undefined) throw Object.assign(new Error("too many open files"), { code: shortage.code });
    return fs.openSync(...words);
  };
  return { ...fs, openSync: open };
});

describe("a module that is loaded late", () => {
  it("is loaded once", async () => {
    const load = vi.fn(async () => ({ name: "module" }));
    const loadOnce = lateModule(load);
    expect(await loadOnce()).toBe(await loadOnce());
    expect(load).toHaveBeenCalledTimes(1);
  });

  it("is not asked for while descriptors are short, since Node would never look for it again", async () => {
    const load = vi.fn(async () => ({ name: "module" }));
    const loadClient = latePackage("pg@8", load);
    shortage.code = "EMFILE";
    await expect(loadClient()).rejects.toMatchObject({
      reason: "internal",
      message: "this process has too many files open (EMFILE)",
    });
    expect(load).not.toHaveBeenCalled();
    shortage.code = undefined;
    expect(await loadClient()).toEqual({ name: "module" });
  });

  it("that is not installed is a failure that says what to install", async () => {
    const loadClient = latePackage("@zilliz/milvus2-sdk-node@3", () =>
      Promise.reject(new Error("Cannot find package")),
    );
    await expect(loadClient()).rejects.toMatchObject({
      reason: "internal",
      message:
        "the package `@zilliz/milvus2-sdk-node` cannot be loaded; install it: `npm install @zilliz/milvus2-sdk-node@3`",
      detail: "Cannot find package",
    });
  });

  it("leaves no descriptor open that it asked for", async () => {
    const before = openSync(devNull, "r");
    closeSync(before);
    await lateModule(async () => ({}))();
    const after = openSync(devNull, "r");
    closeSync(after);
    expect(after).toBe(before);
  });
});
