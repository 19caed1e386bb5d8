import { createPolicy } from "../../src/check.js";
import { initialState, nextState, type Result } from "../../src/health/state.js";
import type { Figures } from "../side-by-side/figures.js";
import { facts } from "./checks.js";
import { microsecondsEach } from "./measured.js";

/** A result folded into a state: nine healthy ones, then one that fails. */
export async function measure(): Promise<Figures> {
  const policy = createPolicy("check", { kind: "http", defaults: { intervalMs: 1_000, timeoutMs: 900 } });
  const healthy: Result = { status: "healthy", facts, atMs: 1, durationMs: 14.5 };
  const failed: Result = { ...healthy, status: "unhealthy", reason: "timeout", message: "no answer within 900 ms" };
  let state = initialState(0);
  let count = 0;
  const transitionUs = await microsecondsEach(() => {
    count += 1;
    state = nextState(state, count % 10 === 0 ? failed : healthy, policy, count);
  });
  return { transitionUs };
}
