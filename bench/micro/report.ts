import { createReport } from "../../src/health/report.js";
import { initialState, nextState } from "../../src/health/state.js";
import type { Figures } from "../side-by-side/figures.js";
import { checkCount, facts, httpCheck } from "./checks.js";
import { microsecondsEach } from "./measured.js";

/** The whole report, made and written as JSON: what `/health` answers when something is new. */
export async function measure(): Promise<Figures> {
  const checks = Array.from({ length: checkCount }, (_, index) => {
    const { policy } = httpCheck(index);
    const result = { status: "healthy", facts, atMs: 0, durationMs: 14.5 } as const;
    return { policy, state: nextState(initialState(0), result, policy, 0), isResources: false };
  });
  const whole = { phase: "running", liveness: true, readinessMode: "dependencies", version: "1.0.0" } as const;
  const us = await microsecondsEach(() => {
    JSON.stringify(createReport({ checks, ...whole, startedAtMs: 0, nowMs: Date.now() }));
  });
  return { reportMs: us / 1_000 };
}
