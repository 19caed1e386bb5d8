import { CheckFailure, type Reason } from "../check.js";
import { badRequest, retryAfterMs } from "./http-expectation.js";
import type { HttpHead } from "./http-head.js";

/** The head of an answer, and as much of what it said as an error needs. */
export interface RefusedAnswer {
  /** Neither key nor headers were sent. */
  readonly isAnonymous?: boolean;
  readonly status: number;
  readonly headers: HttpHead["headers"];
  readonly text: string;
}

/** What servers say about an error, wherever in it they say it. */
export interface SaidError {
  readonly code: string;
  readonly param: string;
}

export function saidError(body: unknown): SaidError {
  const { error } = asRecord(body);
  const said = typeof error === "object" ? asRecord(error) : asRecord(body);
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return { code: text(said.code) || text(said.type), param: text(said.param) };
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is nested too deep to be written is not shown: it was read without recursion, and written it is with. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "an error that is nested too deep";
  }
}

const quotaCode = /insufficient_quota|quota_exceeded|billing/i;
const limitCode = /rate_limit|too_many_requests|overloaded/i;

const reasonByStatus: Readonly<Record<number, readonly [Reason, string]>> = {
  401: ["auth", "the API key is refused"],
  402: ["overloaded", "the account has no credit"],
  403: ["auth", "the API key may not do this"],
  404: ["not_found", "no such path or model"],
  429: ["overloaded", "the rate limit is reached"],
  503: ["unavailable", "the API is not available"],
  529: ["overloaded", "the API is overloaded"],
};

/** A failure for an error that the API answered with. What it wrote may quote the key, and is detail only. */
export function statusFailure({ status, headers, text, isAnonymous }: RefusedAnswer, nowMs: number): CheckFailure {
  const { code } = saidError(parsedJson(text));
  const bad = status === 400 ? badRequest(text) : undefined;
  const [reason, meaning] = bad ? [bad.reason, bad.hint] : meaningOf(status, code);
  const words = isAnonymous && status === 401 ? "the API asks for a key, and no `apiKey` is given" : meaning;
  const waitMs = reason === "overloaded" || reason === "unavailable" ? askedWaitMs(headers, nowMs) : undefined;
  return new CheckFailure(reason, `HTTP ${status}: ${words}`, {
    ...(text !== "" && { detail: text }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  });
}

function meaningOf(status: number, code: string): readonly [Reason, string] {
  if (quotaCode.test(code)) return ["overloaded", "the quota is used up"];
  if (code === "model_not_found") return ["not_found", "the model is not there"];
  if (status >= 300 && status < 400) {
    return ["unexpected", "redirects are not followed; write where it leads in `baseUrl`"];
  }
  return reasonByStatus[status] ?? ["unexpected", status >= 500 ? "the API failed" : "the API refused the request"];
}

/** An error that came in a body or stream whose status was 200. */
export function saidFailure(body: unknown): CheckFailure {
  const { code } = saidError(body);
  const detail = jsonText(asRecord(body).error);
  if (quotaCode.test(code)) return new CheckFailure("overloaded", "the quota is used up", { detail });
  if (limitCode.test(code)) return new CheckFailure("overloaded", "the rate limit is reached", { detail });
  return new CheckFailure("protocol", "an error was sent as a success (HTTP 200)", { detail });
}

/** `retry-after-ms`, which OpenAI sends beside the standard's whole seconds, or `retry-after`. */
function askedWaitMs(headers: HttpHead["headers"], nowMs: number): number | undefined {
  const milliseconds = Number(headers["retry-after-ms"]);
  if (milliseconds > 0 && Number.isFinite(milliseconds)) return milliseconds;
  const value = headers["retry-after"];
  // Some servers write fractions of a second, which the standard does not know.
  return retryAfterMs(
    value !== undefined && /^\d+\.\d+$/.test(value) ? String(Math.ceil(Number(value))) : value,
    nowMs,
  );
}

/** Newer models refuse the name `max_tokens`, older servers the name `max_completion_tokens`. */
export function refusesParameter({ status, text }: RefusedAnswer, name: string): boolean {
  if (status !== 400 && status !== 422) return false;
  const { code, param } = saidError(parsedJson(text));
  return param === name || (code === "unsupported_parameter" && param === "") || text.includes(name);
}
