import type { RecordSink } from "./record.js";

const maxRemembered = 16;
const remembered = new Set<string>();

/**
 * Does what is the host's and must not disturb a run: its listeners, its OpenTelemetry processors. What they throw
 * becomes a warning of the process, the same one once.
 */
export function isolated<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    warn(textOf(error));
    return undefined;
  }
}

/** A listener that never throws; nor does the process end over the promise of an `async` one. */
export function isolatedListener<Told extends unknown[]>(
  listener: (...told: Told) => unknown,
): (...told: Told) => void {
  return (...told) => {
    const result = isolated(() => listener(...told));
    if (typeof result !== "object" || result === null) return;
    Promise.resolve(result).catch((error: unknown) => warn(textOf(error)));
  };
}

/** A sink that never throws. */
export function isolatedSink(sink: RecordSink): RecordSink {
  return {
    checkAdded: (...told) => isolated(() => sink.checkAdded(...told)),
    checkRemoved: (check) => isolated(() => sink.checkRemoved(check)),
    run: (record) => isolated(() => sink.run(record)),
    checkStatus: (check, status) => isolated(() => sink.checkStatus(check, status)),
    serviceStatus: (status) => isolated(() => sink.serviceStatus(status)),
    orphaned: (check) => isolated(() => sink.orphaned(check)),
    missed: (runs) => isolated(() => sink.missed(runs)),
    lag: (seconds) => isolated(() => sink.lag(seconds)),
  };
}

function warn(text: string): void {
  if (remembered.has(text)) return;
  if (remembered.size >= maxRemembered) remembered.clear();
  remembered.add(text);
  process.emitWarning(`a listener or an OpenTelemetry processor threw: ${text}`, "HealthspanWarning");
}

function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return typeof error;
  }
}
