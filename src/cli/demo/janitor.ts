import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process of its own that clears up when the demo ends in a way that leaves it no time (SIGKILL, a crash): told of
 * each process and of the folder, it waits until its parent is gone.
 */
export type JanitorMessage = { readonly begun: number } | { readonly ended: number } | { readonly folder: string };

const pids = new Set<number>();
const folders: string[] = [];
const graceMs = 1_500;

process.on("message", (message: JanitorMessage) => {
  if ("begun" in message) pids.add(message.begun);
  else if ("ended" in message) pids.delete(message.ended);
  else folders.push(message.folder);
});
process.on("disconnect", () => void clearUp());

async function clearUp(): Promise<void> {
  for (const pid of pids) for (const name of ["SIGCONT", "SIGTERM"] as const) signal(pid, name);
  for (const deadline = Date.now() + graceMs; [...pids].some(isThere) && Date.now() < deadline; ) await sleep(20);
  for (const pid of pids) signal(pid, "SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit();
}

function isThere(pid: number): boolean {
  return signal(pid, 0);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
