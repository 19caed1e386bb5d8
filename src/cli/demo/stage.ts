import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JanitorMessage } from "./janitor.js";
import type { Stage } from "./part.js";
import { startProcess } from "./processes.js";

export interface OpenStage extends Stage {
  /** Removes the folder; whatever was adopted must have been stopped. */
  close(): Promise<void>;
}

/** A folder for one demo, and a janitor that clears up when the demo itself cannot. */
export function openStage(): OpenStage {
  const folder = mkdtempSync(join(tmpdir(), "healthspan-demo-"));
  // The database's user must reach its own folder in here.
  chmodSync(folder, 0o711);
  const janitor = startProcess("janitor");
  const tell = (message: JanitorMessage): void => {
    if (janitor.connected) janitor.send(message);
  };
  tell({ folder });
  return {
    folder,
    adopt: (child) => {
      const { pid } = child;
      if (pid === undefined) return;
      tell({ begun: pid });
      // Later the pid may be another program's.
      child.on("exit", () => tell({ ended: pid }));
    },
    close: async () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      if (!janitor.connected) return;
      const ended = once(janitor, "exit");
      janitor.disconnect();
      await ended;
    },
  };
}
