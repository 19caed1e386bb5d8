import { isDeepStrictEqual } from "node:util";
import { cleanText, type Reason } from "../check.js";
import type { HttpHeaders } from "./http-head.js";
import type { ExpectedStatus, HttpExpectation } from "./http-options.js";

/** What is wrong with an answer; undefined where nothing is. `detail` may quote the target. */
export interface Mismatch {
  readonly reason: Reason;
  readonly message: string;
  readonly detail?: string;
}

/** Prepared once per check: `matches` costs a comparison. */
export interface StatusExpectation {
  readonly matches: (status: number) => boolean;
  /** `2xx`, `200 or 204`. */
  readonly words: string;
}

export function expectStatus(expected: ExpectedStatus | readonly ExpectedStatus[]): StatusExpectation {
  const list = (Array.isArray(expected) ? expected : [expected]) as readonly ExpectedStatus[];
  const statuses = new Set(list.filter((one) => typeof one === "number"));
  const classes = new Set(list.filter((one) => typeof one === "string").map((one) => Number(one[0])));
  return {
    matches: (status) => classes.has(Math.floor(status / 100)) || statuses.has(status),
    words: list.join(" or "),
  };
}

const reasonByStatus: Readonly<Record<number, Reason>> = {
  401: "auth",
  403: "auth",
  404: "not_found",
  429: "overloaded",
  503: "unavailable",
};

export function statusMismatch(status: number, expectation: StatusExpectation): Mismatch | undefined {
  if (expectation.matches(status)) return undefined;
  return { reason: reasonByStatus[status] ?? "unexpected", message: `HTTP ${status}, expected ${expectation.words}` };
}

export function headerMismatch(headers: HttpHeaders, expected: HttpExpectation["headers"]): Mismatch | undefined {
  for (const [name, text] of Object.entries(expected ?? {})) {
    const key = name.toLowerCase();
    const actual = Object.hasOwn(headers, key) ? headers[key] : undefined;
    if (actual === undefined) return { reason: "unexpected", message: `header ${name} is missing` };
    if (actual.includes(text)) continue;
    return { reason: "unexpected", message: `header ${name} lacks the expected text`, detail: cleanText(actual) };
  }
  return undefined;
}

/** What was read of a body, expanded. */
export interface BodyText {
  readonly text: string;
  readonly isWhole: boolean;
}

export function bodyMismatch(body: BodyText, expected: HttpExpectation): Mismatch | undefined {
  const { bodyContains, json } = expected;
  if (bodyContains !== undefined && !body.text.includes(bodyContains)) {
    const where = body.isWhole ? "body lacks" : "what was read of the body (`maxBodyBytes`) lacks";
    return { reason: "unexpected", message: `${where} the expected text`, detail: cleanText(body.text) };
  }
  return json === undefined ? undefined : jsonMismatch(body, json);
}

function jsonMismatch({ text, isWhole }: BodyText, expected: Readonly<Record<string, unknown>>): Mismatch | undefined {
  if (!isWhole) return { reason: "unexpected", message: "body exceeds `maxBodyBytes`, so that it is no whole JSON" };
  let document: unknown;
  try {
    document = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch {
    return { reason: "unexpected", message: "body is no JSON", detail: cleanText(text) };
  }
  for (const [pointer, value] of Object.entries(expected)) {
    const place = pointer === "" ? "the document" : pointer;
    const actual = valueAt(document, pointer);
    if (actual === undefined) return { reason: "unexpected", message: `JSON has nothing at ${place}` };
    if (isDeepStrictEqual(actual, value)) continue;
    const detail = quoted(actual);
    return {
      reason: "unexpected",
      message: `JSON at ${place} is not the expected value`,
      ...(detail !== undefined && { detail }),
    };
  }
  return undefined;
}

/** Undefined for what was read, but nests too deep to be written. */
function quoted(value: unknown): string | undefined {
  try {
    return cleanText(JSON.stringify(value));
  } catch {
    return undefined;
  }
}

/** The value that a JSON Pointer (RFC 6901) names; undefined where there is none, which no JSON value is. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** What HTTP 400 means where the server says so: the reason that a server which refuses in the protocol would give. */
export interface BadRequest {
  readonly reason: Reason;
  readonly hint: string;
}

/** Servers answer mistakes of ours by a plain 400 whose text alone tells which. */
const badRequests: readonly (BadRequest & { readonly said: RegExp })[] = [
  {
    said: /No required SSL certificate was sent/i,
    reason: "tls",
    hint: "the server asks for a client certificate (`tls.cert`, `tls.key`)",
  },
  { said: /SSL certificate error/i, reason: "tls", hint: "the server rejects our client certificate" },
  {
    said: /HTTP request (was sent )?to (an )?HTTPS|plain HTTP to an SSL/i,
    reason: "protocol",
    hint: "the port speaks TLS; write https instead of http",
  },
];

/** What to mend when HTTP 400 came with this body; undefined where we cannot tell. */
export function badRequest(body: string): BadRequest | undefined {
  return badRequests.find(({ said }) => said.test(body));
}

const maxRetryAfterMs = 3_600_000;

/** `Retry-After` as milliseconds from now, seconds or a date, at most an hour; undefined when it says nothing usable. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return milliseconds > 0 ? Math.min(milliseconds, maxRetryAfterMs) : undefined;
}
