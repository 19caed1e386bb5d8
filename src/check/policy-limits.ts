import { z } from "zod";
import { type CheckPolicy, formatDuration, type PolicyOptions } from "../check.js";

// What a policy may say, wherever it is said: in a config file, or to `register` of the library.

const hour = 3_600_000;
/** Milliseconds. */
export const intervalBounds = { min: 100, max: 24 * hour } as const;
export const timeoutBounds = { min: 10, max: hour } as const;

const bound = z.strictObject({
  above: z.number().describe("Crossed when the fact is greater.").optional(),
  below: z.number().describe("Crossed when the fact is less.").optional(),
});

const threshold = z
  .strictObject({
    degraded: bound.describe("Makes the run degraded.").optional(),
    unhealthy: bound.describe("Makes the run unhealthy.").optional(),
  })
  .superRefine(({ degraded = {}, unhealthy = {} }, context) => {
    for (const side of ["above", "below"] as const) {
      const [mild, severe] = [degraded[side], unhealthy[side]];
      if (mild === undefined || severe === undefined) continue;
      if (side === "above" ? mild < severe : mild > severe) continue;
      const message = `never shows, since \`unhealthy\` begins at ${severe}; write a ${side === "above" ? "smaller" : "greater"} number`;
      context.addIssue({ code: "custom", message, path: ["degraded", side] });
    }
  });

export const thresholds = z
  .record(z.string(), threshold)
  .describe("By fact, or `duration_ms`: `{ degraded: { above: 200 } }`. An empty mapping turns a kind's own off.");

const labelKeyPattern = /^[a-z][a-z0-9_]*$/;

export const labels = z
  .record(
    z
      .string()
      .max(63)
      .regex(labelKeyPattern, "is no label name; write lower-case letters, digits and `_`, a letter first"),
    z.string().max(255),
  )
  .describe("Static labels; they reach the info metric, spans, events and generated rules.");

/** The parts of a policy that have parts of their own. */
export const policyParts = z.object({ thresholds: thresholds.optional(), labels: labels.optional() });

export interface Mistake {
  readonly problem: string;
  readonly mend: string;
}

/** Times that contradict each other; `policy` is what all of them come to. */
export function mistakesInTimes(
  own: Pick<PolicyOptions, "timeoutMs" | "failingIntervalMs">,
  policy: Pick<CheckPolicy, "intervalMs" | "timeoutMs">,
): readonly (readonly ["timeout" | "failingInterval", Mistake])[] {
  const interval = formatDuration(policy.intervalMs);
  const timeout = formatDuration(policy.timeoutMs);
  const { timeoutMs, failingIntervalMs } = own;
  if (timeoutMs !== undefined && timeoutMs > policy.intervalMs) {
    const mend = `write \`${interval}\` or less, or a longer \`interval\``;
    return [["timeout", { problem: `is above the interval of ${interval}`, mend }]];
  }
  if (failingIntervalMs !== undefined && failingIntervalMs > policy.intervalMs) {
    return [
      ["failingInterval", { problem: `is above the interval of ${interval}`, mend: `write \`${interval}\` or less` }],
    ];
  }
  if (failingIntervalMs !== undefined && failingIntervalMs < policy.timeoutMs) {
    return [
      ["failingInterval", { problem: `is below the timeout of ${timeout}`, mend: `write \`${timeout}\` or more` }],
    ];
  }
  return [];
}
