import { z } from "zod";
import { formatDuration, parseDuration } from "../check.js";

const durationMend = "write a number and a unit: `250ms`, `30s`, `5m` or `1h`";

export interface DurationBounds {
  readonly min: number;
  readonly max: number;
}

/** A duration as people write it, milliseconds afterwards. `0s` is one where `min` is 0. */
export function duration({ min, max }: DurationBounds, description: string) {
  return z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, `is no duration; ${durationMend}`)
    .transform((text, context) => {
      const milliseconds = Number.parseFloat(text) === 0 ? 0 : parseDuration(text);
      if (milliseconds !== undefined && milliseconds >= min && milliseconds <= max) return milliseconds;
      const message = `is out of bounds; write ${describeBound(min)} to ${describeBound(max)}, whole milliseconds`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    })
    .describe(description);
}

const describeBound = (milliseconds: number): string => (milliseconds === 0 ? "0s" : formatDuration(milliseconds));

/** A text that is neither empty nor absurdly long. */
export const text = (description: string, maxLength = 255) => z.string().min(1).max(maxLength).describe(description);

const isHttpUrl = (value: string): boolean => /^https?:\/\//i.test(value) && URL.canParse(value);

export const httpUrl = (description: string, example: string) =>
  z.string().refine(isHttpUrl, `is no http or https URL; write one such as \`${example}\``).describe(description);

/** RFC 9110, sections 5.5 and 5.6.2. */
export const isHeaderName = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
export const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

export const pemPattern = /-----BEGIN [A-Z0-9 ]+-----/;

/** Nested sections are there with their defaults even when the file does not say them. */
export const section = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  z.strictObject(shape).describe(description);
