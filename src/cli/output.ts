import { exitCode, usageExitCode } from "./exit.js";
import { drained } from "./terminal.js";

export interface Output {
  /** Waits until everything is written, then ends the process with the exit code that is set. */
  exit(): Promise<void>;
}

/**
 * Output that cannot be written is one line, not a stack trace. A reader that has seen enough (`| head`) is nothing
 * worth a word, and the exit code stays the command's own; a full disk fails the command.
 */
export function guardOutput(command: string | undefined): Output {
  let failure: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") failure ??= error;
  });
  process.stderr.on("error", () => {});
  return {
    exit: async () => {
      await drained(process.stdout);
      if (failure) {
        process.stderr.write(`healthspan: cannot write the output (${failure.code ?? failure.message})\n`);
        process.exitCode = outputExitCode(command);
      }
      await drained(process.stderr);
      process.exit();
    },
  };
}

/** Where plugins' codes are spoken nobody could be told; elsewhere it is an I/O error. */
function outputExitCode(command: string | undefined): number {
  return usageExitCode(command) === exitCode.couldNotTell ? exitCode.couldNotTell : exitCode.output;
}
