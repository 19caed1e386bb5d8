import type { Status } from "../check.js";

/**
 * Whether a change of status counts as a transition. The first result of a check moves it out of `unknown` and counts
 * none; leaving `unknown` later (it had been stale) does.
 */
export function countsTransition(from: Status, to: Status, isFirstResult: boolean): boolean {
  return from !== to && !(isFirstResult && from === "unknown");
}
