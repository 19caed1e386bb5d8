import { setTimeout as delay } from "node:timers/promises";
import { unknownCheck } from "../unknown-check.js";
import { type Ask, NoAnswer } from "./ask.js";
import { type Finding, failed, passed, unknown } from "./finding.js";
import { type FullReport, isFull, readReport } from "./read-report.js";
import type { Waiting } from "./walk.js";

const pollMs = 100;
/** How long probe and report may contradict each other: an answer may be 100 ms old. */
const contradictionMs = 1_000;

export interface ExpectFailureOptions extends Waiting {
  readonly ask: Ask;
  /** The check that somebody is about to break. */
  readonly name: string;
  /** As it was before; it names the checks. */
  readonly report: FullReport;
  /** Called once, when there is a failure to wait for. */
  readonly onWait?: () => void;
}

/** Waits until the probe answers 503 because of this check: `/readyz` for a critical one, else `/readyz/{check}`. */
export async function expectFailure(options: ExpectFailureOptions): Promise<Finding> {
  const { ask, name, report, untilMs } = options;
  const before = Object.hasOwn(report.dependencies, name) ? report.dependencies[name] : undefined;
  if (!before) return unknown("failure", unknownCheck([name], Object.keys(report.dependencies)));
  const path = before.critical ? "/readyz" : `/readyz/${encodeURIComponent(name)}`;
  if (isDown(report, name)) return unknown("failure", `${name} fails already`, "mend it first, then break it again");
  options.onWait?.();
  const startMs = performance.now();
  let contradictedAtMs: number | undefined;
  try {
    for (;;) {
      const elapsedMs = performance.now() - startMs;
      options.say(`waiting for ${path} to answer 503: stop ${name} now (${Math.round(elapsedMs / 1_000)} s)`);
      const { statusCode } = await ask(path);
      const now = readReport((await ask("/health")).body);
      if (!isFull(now)) return unknown("failure", "/health shows its checks no longer");
      if (now.phase === "draining") return failed("failure", "the agent itself is stopping");
      const hasFailed = isDown(now, name);
      if (statusCode === 503 && hasFailed) return passed("failure", foundWords({ path, name, report: now, elapsedMs }));
      const isContradiction = (statusCode === 503) !== hasFailed;
      contradictedAtMs = isContradiction ? (contradictedAtMs ?? performance.now()) : undefined;
      if (contradictedAtMs !== undefined && performance.now() - contradictedAtMs > contradictionMs) {
        return contradiction(path, name, now, hasFailed);
      }
      if (performance.now() > untilMs) return neverFailed(path, name, elapsedMs);
      await delay(pollMs);
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return failed("failure", `the agent itself answers no longer: ${error.message}`);
  }
}

function isDown({ dependencies }: FullReport, name: string): boolean {
  const status = dependencies[name]?.status;
  return status !== "healthy" && status !== "degraded";
}

interface Found {
  readonly path: string;
  readonly name: string;
  readonly report: FullReport;
  readonly elapsedMs: number;
}

function foundWords({ path, name, report, elapsedMs }: Found): string {
  const { reason, error } = report.dependencies[name] ?? {};
  const why = [reason, error].filter(Boolean).join(": ") || "no result";
  return `${path} answers 503 after ${(elapsedMs / 1_000).toFixed(1)} s: ${name}, ${why}`;
}

function contradiction(path: string, name: string, { reason }: FullReport, hasFailed: boolean): Finding {
  return hasFailed
    ? failed(
        "failure",
        `${name} fails, and ${path} still answers 200`,
        "the agent has `server.readiness: agent`: there no check makes it unready",
      )
    : failed(
        "failure",
        `${path} answers 503, and not because of ${name}: ${reason ?? "no reason is given"}`,
        "mend that first",
      );
}

function neverFailed(path: string, name: string, elapsedMs: number): Finding {
  return failed(
    "failure",
    `${path} answered 200 for ${Math.round(elapsedMs / 1_000)} s`,
    `was ${name} stopped? It takes failureThreshold results in a row, an interval apart; --timeout waits longer`,
  );
}
