import type { Result } from "../health/state.js";

const dayMs = 86_400_000;

/** What is saved up at most, in runs. No 24 hours hold more than `runsPerDay` and this many paid runs. */
export const maxSavedRuns = 2;

/**
 * What a check begins with when the process starts, in runs: one may be paid at once, and the rest is what the second
 * regular run would lack. That one follows half an interval later at the soonest, and a quarter is left for lateness.
 */
export const savedAtStart = 1.75;

/** How much of a run is left to spend at a time (monotonic milliseconds): a bucket that fills evenly over the day. */
export interface Budget {
  readonly saved: number;
  readonly atMs: number;
}

export const initialBudget = (nowMs: number): Budget => ({ saved: savedAtStart, atMs: nowMs });

export function refilled({ saved, atMs }: Budget, runsPerDay: number, nowMs: number): Budget {
  // A rate that is none, as a check of somebody else's may have it, must not earn runs without end.
  const rate = Number.isFinite(runsPerDay) ? Math.max(0, runsPerDay) : 0;
  const earned = (Math.max(0, nowMs - atMs) / dayMs) * rate;
  return { saved: Math.min(maxSavedRuns, saved + earned), atMs: Math.max(atMs, nowMs) };
}

/** Parts of a millionth of a run are rounding, not money. */
const rounding = 1e-6;

/** Whole runs that may be paid now. */
export const wholeRuns = ({ saved }: Budget): number => Math.floor(saved + rounding);

/** One run less; undefined when there is none to spend. */
export function spent(budget: Budget): Budget | undefined {
  return wholeRuns(budget) < 1 ? undefined : { ...budget, saved: Math.max(0, budget.saved - 1) };
}

/** What one run may spend, and whether it did. */
export interface Purse {
  /** Takes a run from the budget, once however often it is asked; false when there is none. */
  readonly spend: () => boolean;
  readonly hasPaid: boolean;
  /** Whole runs that are left. */
  readonly remaining: number;
}

interface Account {
  readonly budget: Budget;
  readonly runsPerDay: number;
  /** Of a check that was taken away: what its last paid run found. */
  readonly lastPaid?: Result | undefined;
}

/**
 * The budgets of all checks, by name: they outlive the check, so that a reload that changes, removes or adds a check again
 * hands out nothing. Those of checks that are gone are forgotten once a new one would hold no more.
 */
export class Budgets {
  private readonly budgets = new Map<string, Account>();
  /** Of checks that were taken away and have not paid since. */
  private readonly gone = new Set<string>();

  constructor(private readonly monotonic: () => number) {}

  purse(name: string, runsPerDay: number): Purse {
    const { budgets, monotonic } = this;
    const now = (): Budget => {
      const nowMs = monotonic();
      const known = budgets.get(name);
      // Until now it was earned at the rate that held until now.
      const budget = known ? refilled(known.budget, known.runsPerDay, nowMs) : initialBudget(nowMs);
      budgets.set(name, { budget, runsPerDay });
      return budget;
    };
    this.gone.delete(name);
    now();
    let hasPaid = false;
    return {
      spend: () => {
        if (hasPaid) return true;
        const budget = spent(now());
        if (!budget) return false;
        budgets.set(name, { budget, runsPerDay });
        hasPaid = true;
        return true;
      },
      get hasPaid() {
        return hasPaid;
      },
      get remaining() {
        return wholeRuns(now());
      },
    };
  }

  /** A check is taken away: should it come back before it can pay, it is to be known what its last paid run found. */
  keep(name: string, lastPaid: Result | undefined): void {
    const account = this.budgets.get(name);
    if (account === undefined) return;
    this.budgets.set(name, { ...account, lastPaid });
    this.gone.add(name);
  }

  lastPaid(name: string): Result | undefined {
    return this.budgets.get(name)?.lastPaid;
  }

  /** Forgets checks that are gone and whose budget has filled up again to what a new one begins with. */
  forget(): void {
    const nowMs = this.monotonic();
    for (const name of this.gone) {
      const account = this.budgets.get(name);
      if (account && refilled(account.budget, account.runsPerDay, nowMs).saved < savedAtStart) continue;
      this.gone.delete(name);
      this.budgets.delete(name);
    }
  }
}
