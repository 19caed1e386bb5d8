import { createPolicy, type FactTable, type PolicyOptions } from "../../src/check.js";
import type { CheckIdentity, RunRecord } from "../../src/signals/record.js";

export interface IdentityOptions {
  readonly kind?: string;
  readonly facts?: FactTable;
  readonly hasOpenFacts?: boolean;
  readonly policy?: PolicyOptions;
}

/** A check as the signals know it. */
export function identity(name: string, options: IdentityOptions = {}): CheckIdentity {
  const kind = { kind: options.kind ?? "http", defaults: { intervalMs: 30_000, timeoutMs: 5_000 } };
  return {
    policy: createPolicy(name, kind, options.policy),
    facts: options.facts ?? {},
    hasOpenFacts: options.hasOpenFacts ?? false,
  };
}

/** A healthy first run of 12 ms, but for what is said otherwise. */
export function record(check: CheckIdentity, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    check,
    outcome: "healthy",
    facts: {},
    atMs: 1_000_000,
    durationMs: 12,
    previousStatus: "unknown",
    status: "healthy",
    lastSuccessMs: 1_000_000,
    ...changes,
  };
}

/** The record without the trace or duration that it has. */
export function without<Key extends keyof RunRecord>(of: RunRecord, ...keys: readonly Key[]): Omit<RunRecord, Key> {
  return Object.fromEntries(Object.entries(of).filter(([key]) => !keys.includes(key as Key))) as Omit<RunRecord, Key>;
}
