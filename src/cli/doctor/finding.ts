/** In the order of the walk; the last one on request. */
export const steps = ["liveness", "readiness", "details", "caching", "failure"] as const;

/** What a step of the walk found. */
export interface Finding {
  readonly step: (typeof steps)[number];
  /** `unknown`: it could not be told, for the reason that `message` gives. */
  readonly result: "passed" | "failed" | "unknown";
  readonly message: string;
  /** What to do about it. */
  readonly next?: string;
}

type Rest = readonly [message: string, next?: string];

export const passed = (step: Finding["step"], message: string): Finding => ({ step, result: "passed", message });

export const failed = (step: Finding["step"], ...[message, next]: Rest): Finding => ({
  step,
  result: "failed",
  message,
  ...(next !== undefined && { next }),
});

export const unknown = (step: Finding["step"], ...[message, next]: Rest): Finding => ({
  step,
  result: "unknown",
  message,
  ...(next !== undefined && { next }),
});
