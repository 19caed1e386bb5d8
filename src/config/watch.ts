import { fingerprintPath, type Watched } from "./fingerprint.js";

/** What the watcher waits by; the system's timers unless a test turns its own. */
export interface WatchClock {
  /** Calls back after a while; the result cancels it. */
  after(milliseconds: number, call: () => void): () => void;
}

export interface WatchOptions {
  /**
   * What the config was read from: `LoadResult.watched`. Asked before each look, since a reload may name other files; one
   * that somebody else asked for gives another list, and what it has read is no change.
   */
  readonly paths: () => readonly Watched[];
  readonly intervalMs?: number;
  readonly clock?: WatchClock;
  /** Something differs from what was read, or from the last look. The next look waits for it. */
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
  private read: readonly Watched[] | undefined;
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
    if (hasChanged && !this.isStopped) await this.tell();
    if (this.isStopped) return;
    const { clock = systemWatchClock, intervalMs = defaultIntervalMs } = this.options;
    this.cancel = clock.after(intervalMs, () => void this.look());
  }

  private async hasChanged(): Promise<boolean> {
    const read = this.options.paths();
    const before = read === this.read ? this.known : new Map(read.map(({ path, fingerprint }) => [path, fingerprint]));
    const found = new Map<string, string>();
    for (const { path } of read) found.set(path, await fingerprintPath(path));
    // Read anew in the meantime: the next look has its fingerprints to compare with.
    if (this.options.paths() !== read) return false;
    this.read = read;
    this.known = found;
    return [...found].some(([path, fingerprint]) => before.get(path) !== fingerprint);
  }

  private async tell(): Promise<void> {
    try {
      await this.options.onChange();
    } catch {
      // Whoever reloads says what went wrong; the watch goes on.
    }
  }
}
