import type { CheckEntry } from "./check-entry.js";

/** Closes checks that are gone, each once its last run has settled, and lets others wait for that. */
export class Closing {
  private readonly open = new Set<CheckEntry>();
  private waiters: (() => void)[] = [];

  /** The check is gone; somebody will close it. */
  expect(entry: CheckEntry): void {
    this.open.add(entry);
  }

  async close(entry: CheckEntry): Promise<void> {
    try {
      await entry.check.close?.();
    } catch {
      // A client that cannot say goodbye has nothing left that anybody could act on.
    }
    this.open.delete(entry);
    if (this.open.size === 0) for (const resolve of this.waiters.splice(0)) resolve();
  }

  /** Resolves when every check that is gone has been closed. */
  all(): Promise<void> {
    if (this.open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }
}
