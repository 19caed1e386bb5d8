import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fingerprintPath, type Watched } from "../../src/config/fingerprint.js";
import { loadConfig } from "../../src/config/load-config.js";
import { type WatchClock, watchConfig } from "../../src/config/watch.js";

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

/** What a load that reads these would say. */
const read = (...paths: readonly string[]): Promise<readonly Watched[]> =>
  Promise.all(paths.map(async (path) => ({ path, fingerprint: await fingerprintPath(path) })));

async function watch(paths: () => readonly Watched[]) {
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
    const loaded = await read(file);
    const { clock, onChange } = await watch(() => loaded);
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
    const loaded = await read(join(folder, "a.yaml"));
    const { clock, onChange } = await watch(() => loaded);
    symlinkSync("..2", join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it("sees files appear in a directory and disappear", async () => {
    const missing = join(folder, "token");
    const loaded = await read(folder, missing);
    const { clock, onChange } = await watch(() => loaded);
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
    let loaded = await read(first);
    const { clock, onChange } = await watch(() => loaded);
    onChange.mockImplementationOnce(async () => {
      loaded = await read(first, second);
    });
    writeFileSync(first, "2");
    await clock.look();
    writeFileSync(second, "2");
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it("goes on after a reload that failed", async () => {
    const file = join(folder, "a.yaml");
    const loaded = await read(file);
    const { clock, onChange } = await watch(() => loaded);
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

  it("tells at the first look what has changed since it was loaded", async () => {
    const file = join(folder, "a.yaml");
    writeFileSync(file, "1");
    const loaded = await read(file);
    writeFileSync(file, "2");
    const { onChange } = await watch(() => loaded);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it("does not tell of a change that somebody else's reload has read, and tells of the next", async () => {
    const file = join(folder, "a.yaml");
    writeFileSync(file, "1");
    let loaded = await read(file);
    const { clock, onChange } = await watch(() => loaded);
    writeFileSync(file, "2");
    loaded = await read(file);
    await clock.look();
    expect(onChange).not.toHaveBeenCalled();
    writeFileSync(file, "3");
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it("does not tell of what comes into a directory and is no config file", async () => {
    writeFileSync(join(folder, "a.yaml"), "checks: []");
    const loaded = await read(folder);
    const { clock, onChange } = await watch(() => loaded);
    for (const name of [".a.yaml.swp", "notes.txt", "..data"]) writeFileSync(join(folder, name), "");
    await clock.look();
    expect(onChange).not.toHaveBeenCalled();
    writeFileSync(join(folder, "b.yml"), "");
    await clock.look();
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it("finds a config that was just loaded unchanged: files, directories, references and what was not there", () => {
    writeFileSync(join(folder, "a.yaml"), "service: { name: '${file:name}', version: '${file:gone}' }");
    writeFileSync(join(folder, "name"), "shop\n");
    const env = { OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, "name") };
    const { watched } = loadConfig({ files: [folder, join(folder, "none.yaml")], env });
    expect(watched.map(({ path }) => path.slice(folder.length + 1))).toEqual([
      "",
      "a.yaml",
      "name",
      "gone",
      "none.yaml",
      "name",
    ]);
    return expect(read(...watched.map(({ path }) => path))).resolves.toEqual(watched);
  });

  it("does not open what is no regular file: a device has no end, and a pipe no beginning", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const prints = await Promise.all([fingerprintPath("/dev/zero"), fingerprintPath(pipe)]);
    expect(prints[0]).toBe(prints[1]);
  });
});
