import type { ProcessLog } from "../log.js";
import { exitCode } from "./exit.js";

/** A client that leaves a promise behind at every run would fill the log. */
const maxDifferentRejections = 100;

/**
 * What the agent does about its own bugs. After an uncaught exception nothing it says can be trusted: one line, then
 * exit code 70, and whoever supervises starts it anew. A rejection that nobody handled is a promise that a client left
 * behind; checks and probes are untouched, so it is one line, once for each message. Stacks are logged at level `debug`.
 */
export function obeyErrors(log: ProcessLog): void {
  const said = new Set<string>();
  process.on("uncaughtException", (error) => {
    log.error({ error }, "ended by an error of healthspan itself");
    void log.flush().then(() => process.exit(exitCode.internal));
  });
  process.on("unhandledRejection", (error) => {
    const words = wordsOf(error);
    if (said.has(words) || said.size >= maxDifferentRejections) return;
    said.add(words);
    log.error({ error }, "a rejection that nobody handled");
  });
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
