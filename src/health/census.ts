import type { CheckPolicy, Status } from "../check.js";
import type { CheckState } from "./state.js";

interface Counted {
  readonly policy: Pick<CheckPolicy, "critical">;
  readonly state: Pick<CheckState, "status" | "result">;
}

/**
 * How many checks there are of each sort that the verdict on the service depends on. Kept up to date check by check: asking
 * all of them at each change was a third of what the start of 10,000 checks costs, which is as many changes.
 */
export class Census {
  /** No result yet. */
  waiting = 0;
  criticalWaiting = 0;
  /** Critical ones that are unhealthy, or unknown after a result. */
  criticalDown = 0;
  /** Any other that has a result and is not healthy. */
  impaired = 0;

  static of(checks: Iterable<Counted>): Census {
    const census = new Census();
    for (const check of checks) census.count(check, 1);
    return census;
  }

  /** Counts a check in, or out again: before anything of it changes. */
  count({ policy: { critical }, state }: Counted, by: 1 | -1): void {
    if (!hasResult({ state })) {
      this.waiting += by;
      if (critical) this.criticalWaiting += by;
    } else if (state.status === "healthy") return;
    else if (critical && isDown(state.status)) this.criticalDown += by;
    else this.impaired += by;
  }
}

export const hasResult = ({ state }: Pick<Counted, "state">): boolean => state.result !== undefined;
export const isDown = (status: Status): boolean => status === "unhealthy" || status === "unknown";
