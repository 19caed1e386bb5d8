import { CheckFailure, cleanText, type Facts, type FactValue, type Outcome, verdicts } from "../check.js";
import type { Scrub } from "../signals/scrubber.js";
import type { Ending } from "./active-run.js";

/** A run's ending as an outcome that is safe to keep: known verdict, no secret, no control characters. */
export interface Finding {
  readonly outcome: Outcome;
  readonly detail?: string;
  readonly retryAfterMs?: number;
}

const maxMessageLength = 1_024;

export function findingOf(ending: Ending, scrub: Scrub): Finding {
  if ("error" in ending) return failureFinding(ending.error, scrub);
  if (!isOutcome(ending.outcome)) return nonsense(ending.outcome);
  const { status, reason, message, facts } = ending.outcome;
  return {
    outcome: {
      status,
      facts: safeFacts(facts, scrub),
      ...(status !== "healthy" && { reason: reason ?? "unexpected", message: safeMessage(message ?? status, scrub) }),
    },
  };
}

function failureFinding(error: unknown, scrub: Scrub): Finding {
  if (!(error instanceof CheckFailure)) return thrown(error);
  return {
    outcome: {
      status: "unhealthy",
      reason: error.reason,
      message: safeMessage(error.message, scrub),
      facts: safeFacts(error.facts, scrub),
    },
    ...(error.detail !== undefined && { detail: error.detail.slice(0, maxMessageLength) }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  };
}

/** Our own bug, or a custom check's: what it says may hold anything, so only its type is published. */
function thrown(error: unknown): Finding {
  const name = error instanceof Error ? error.name : typeof error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    outcome: { status: "unhealthy", reason: "internal", message: `the check threw ${cleanText(name)}`, facts: {} },
    detail: text.slice(0, maxMessageLength),
  };
}

function nonsense(value: unknown): Finding {
  const message = "the check returned no outcome; return { status: healthy | degraded | unhealthy, facts }";
  return { outcome: { status: "unhealthy", reason: "internal", message, facts: {} }, detail: typeof value };
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== "object" || value === null) return false;
  const { status, facts } = value as { status?: unknown; facts?: unknown };
  return (
    (verdicts as readonly unknown[]).includes(status) &&
    (facts === undefined || (typeof facts === "object" && facts !== null))
  );
}

const safeMessage = (message: string, scrub: Scrub): string => cleanText(scrub(String(message)));

const noFacts: Facts = {};

/** Facts that are no numbers, text, booleans or lists are left out; text is what a target supplied, so it is cleaned. */
function safeFacts(facts: Facts | undefined, scrub: Scrub): Facts {
  if (facts === undefined) return noFacts;
  const safe: Record<string, FactValue> = {};
  for (const name in facts) {
    const value = safeFact(facts[name], scrub);
    if (value !== undefined) safe[name] = value;
  }
  return safe;
}

function safeFact(value: unknown, scrub: Scrub): FactValue | undefined {
  if (typeof value === "string") return cleanText(scrub(value));
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value === "boolean") return value;
  if (!Array.isArray(value)) return undefined;
  return value.map((item) =>
    typeof item === "object" && item !== null ? safeRow(item, scrub) : cleanText(scrub(String(item))),
  ) as FactValue;
}

function safeRow(row: object, scrub: Scrub): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, value === null ? null : (safeFact(value, scrub) ?? null)]),
  );
}
