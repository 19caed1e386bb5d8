import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";

/** What the watcher waits by; the system's timers unless a test turns its own. */
export interface WatchClock {
  /** Calls back after a while; the result cancels it. */
  after(milliseconds: number, call: () => void): () => void;
}

export interface WatchOptions {
  /**
   * Absolute paths that the running config was read from: `LoadResult.watched`. Asked before each look, since a reload
   * may name other files.
   */
  readonly paths: () => readonly string[];
  readonly intervalMs?: number;
  readonly clock?: WatchClock;
  /** Hash of what is at a path; the file system's unless a test has its own. */
  readonly fingerprint?: (path: string) => Promise<string>;
  /** Something differs from the last look. The next look waits for it. */
  readonly onChange: () => void | Promise<void>;
}

export interface Watch {
  stop(): void;
}

const defaultIntervalMs = 5_000;

const systemWatchClock: WatchClock = {
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Looks at the content of the files now and then. Content, not events or times: a Kubernetes ConfigMap swaps a
 * symbolic link and mounts on network file systems send no events.
 */
export function watchConfig(options: WatchOptions): Watch {
  const watcher = new Watcher(options);
  watcher.start();
  return { stop: () => watcher.stop() };
}

class Watcher {
  private known: ReadonlyMap<string, string> = new Map();
  private isStopped = false;
  private cancel: () => void = () => {};

  constructor(private readonly options: WatchOptions) {}

  start(): void {
    void this.look();
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  private async look(): Promise<void> {
    const hasChanged = await this.hasChanged();
    if (hasChanged && !this.isStopped) {
      await this.tell();
      await this.learnNewPaths();
    }
    if (this.isStopped) return;
    const { clock = systemWatchClock, intervalMs = defaultIntervalMs } = this.options;
    this.cancel = clock.after(intervalMs, () => void this.look());
  }

  /** A path that is looked at for the first time has just been loaded: no change. */
  private async hasChanged(): Promise<boolean> {
    const { paths, fingerprint = fingerprintPath } = this.options;
    const found = new Map<string, string>();
    for (const path of paths()) found.set(path, await fingerprint(path));
    const before = this.known;
    this.known = found;
    return [...found].some(([path, hash]) => (before.get(path) ?? hash) !== hash);
  }

  /** What the reload read for the first time is known from now on, not from the next look on. */
  private async learnNewPaths(): Promise<void> {
    const { paths, fingerprint = fingerprintPath } = this.options;
    const known = new Map(this.known);
    for (const path of paths()) if (!known.has(path)) known.set(path, await fingerprint(path));
    this.known = known;
  }

  private async tell(): Promise<void> {
    try {
      await this.options.onChange();
    } catch {
      // Whoever reloads says what went wrong; the watch goes on.
    }
  }
}

/** A hash of a file's content or of a directory's listing; what cannot be read counts as such. */
export async function fingerprintPath(path: string): Promise<string> {
  return createHash("sha256")
    .update(await contentOf(path))
    .digest("hex");
}

/** What is neither file nor directory is never opened: a device may have no end, a pipe no beginning. */
async function contentOf(path: string): Promise<string | Buffer> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return (await readdir(path)).sort().join("\n");
    return stats.isFile() ? await readFile(path) : "no regular file";
  } catch (error) {
    return `unreadable ${(error as NodeJS.ErrnoException).code}`;
  }
}
