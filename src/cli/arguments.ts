import { InvalidArgumentError } from "commander";

// Readers of what options are given; each throws InvalidArgumentError with what to write instead.

/** A port; 0 lets the system choose. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError("Write a number from 0 to 65535.");
  return port;
}

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds; a day is far below what a timer can. */
export function parseTimeout(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const timeoutMs = Number(match?.[1]) * unitMs[match?.[2] as keyof typeof unitMs];
  if (!(timeoutMs >= 1 && timeoutMs <= 86_400_000)) {
    throw new InvalidArgumentError("Write a duration up to 24h, such as 500ms or 30s.");
  }
  return timeoutMs;
}

/** A percentage below 100. */
export function parseObjective(text: string): number {
  const percent = /^\d{1,2}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(percent > 0)) throw new InvalidArgumentError("Write a percentage below 100, such as 99.9.");
  return percent;
}

/** A matcher of PromQL: a label, how it is compared, and a quoted text. */
const matcher = /^[a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)"(?:[^"\\\n]|\\.)*"$/;

/** The matcher, as it was written. */
export function parseMatcher(text: string): string {
  if (matcher.test(text)) return text;
  throw new InvalidArgumentError(`Write a matcher such as 'job="checkout-api"'.`);
}

/** A path; an empty one, of a variable that is not set, would mean the working directory. */
export function parsePath(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("Write the path of a file; is a variable empty that should have named it?");
}

/** An http or https URL. */
export function parseEndpoint(text: string): string {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError("Write an http or https URL, such as http://127.0.0.1:4318.");
}
