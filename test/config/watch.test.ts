import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fingerprintPath, type WatchClock, watchConfig } from "../../src/config/watch.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "healthspan-watch-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Looks once, when told to; `looked` resolves when the next wait begins. */
class HandClock implements WatchClock {
  private call: (() => void) | undefined;
  isCancelled = false;

  after(_milliseconds: number, call: () => void): () => void {
    this.call = call;
    return () => {
      this.isCancelled = true;
      this.call = undefined;
    };
  }

  async looked(): Promise<void> {
    await vi.waitFor(() => expect(this.call).toBeDefined());
  }

  async look(): Promise<void> {
    await this.looked();
    const call = this.call;
    this.call = undefined;
    call?.();
    await this.looked();
  }
}

async function watch(paths: () => readonly string[]) {
  const clock = new HandClock();
  const onChange = vi.fn(async () => {});
  const watcher = watchConfig({ paths, clock, onChange });
  await clock.looked();
  return { clock, onChange, watcher };
}

describe("watchConfig", () => {
  it("tells of a content that differs, once, and not of a file that was only touched", async () => {
    const file = join(folder, "a.yaml");
    writeFileSync(file, "one");
    const { clock, onChange } = await watch(() => [file]);
    writeFileSync(file, "one");
    await clock.look();
    expect(onChange).not.toHaveBeenCalled();
    writeFileSync(file, "two");
    await clock.look();
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it("sees a ConfigMap's symbolic link swapped", async () => {
    for (const version of ["..1", "..2"]) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "a.yaml"), version);
    }
    symlinkSync("..1", join(folder, "..data"));
    symlinkSync("..data/a.yaml", join(folder, "a.yaml"));
    const { clock, onChange } = await watch(() => [join(folder, "a.yaml")]);
    symlinkSync("..2", join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it("sees files appear in a directory and disappear", async () => {
    const missing = join(folder, "token");
    const { clock, onChange } = await watch(() => [folder, missing]);
    writeFileSync(missing, "x");
    await clock.look();
    rmSync(missing);
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it("follows the files that a reload reads for the first time, from then on", async () => {
    const [first, second] = [join(folder, "a.yaml"), join(folder, "b.yaml")];
    writeFileSync(first, "1");
    writeFileSync(second, "1");
    let paths = [first];
    const { clock, onChange } = await watch(() => paths);
    onChange.mockImplementationOnce(async () => {
      paths = [first, second];
    });
    writeFileSync(first, "2");
    await clock.look();
    writeFileSync(second, "2");
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it("goes on after a reload that failed", async () => {
    const file = join(folder, "a.yaml");
    const { clock, onChange } = await watch(() => [file]);
    onChange.mockRejectedValueOnce(new Error("no"));
    writeFileSync(file, "1");
    await clock.look();
    writeFileSync(file, "2");
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it("looks no more once stopped", async () => {
    const { clock, watcher } = await watch(() => []);
    watcher.stop();
    expect(clock.isCancelled).toBe(true);
  });

  it("does not open what is no regular file: a device has no end, and a pipe no beginning", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const prints = await Promise.all([fingerprintPath("/dev/zero"), fingerprintPath(pipe)]);
    expect(prints[0]).toBe(prints[1]);
  });
});
