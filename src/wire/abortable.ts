import type { Cancellation, CheckRun } from "../check.js";

/** What ends a run, as cheaply as the run has it. */
export function cancellationOf(run: CheckRun): Cancellation {
  return run.cancellation ?? run.signal;
}

/** The promise's result, or a rejection with the signal's reason as soon as it is aborted. The work itself goes on. */
export async function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) {
    work.catch(() => {});
    throw signal.reason;
  }
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
